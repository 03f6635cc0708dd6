use chaos_harness::{Percent, Scope, Stage};

fn main() {
    let _ = Scope::Instances(0);
    let _ = Stage::share(Percent::ZERO);
}
