use chaos_harness::Stage;

fn main() {
    let _ = [Stage::instances::<0>(), Stage::percent::<0>(), Stage::percent::<101>()];
}
