use super::*;
use crate::blast_radius::resolve;
use crate::fault::{self, Fault};
use crate::units::Percent;
use proptest::prelude::*;

fn share(percent: u32) -> Stage {
    Stage::share(Percent::new(percent).try_into().unwrap())
}

fn instances(count: u32) -> Unit {
    Unit::Instances(NonZeroU32::new(count).unwrap())
}

fn names(stages: &[Stage]) -> Vec<String> {
    stages.iter().map(Stage::name).collect()
}

const SHARES: [&str; 3] = ["small_percentage", "larger_percentage", "significant_portion"];

#[test]
fn the_built_in_ladder_fits_what_the_fault_is_on() {
    let default = |units: &[Unit]| names(&fitted(&[], units));
    let all = [&["single_instance"], &SHARES[..]].concat();
    assert_eq!(default(&[instances(10)]), all);
    assert_eq!(default(&[instances(3)]), all);
    assert_eq!(default(&[instances(1)]), ["single_instance"]);
    assert_eq!(default(&[Unit::Connections]), SHARES);
    assert_eq!(default(&[Unit::Time(NonZeroU32::MIN)]), SHARES);
    assert_eq!(default(&[instances(1), Unit::Connections]), SHARES);
}

#[test]
fn the_ladder_of_the_workspace_takes_its_place_as_far_as_it_fits() {
    let two = Stage::instances::<2>().named("two");
    let ladder = [two.clone(), share(10).named("tenth"), share(40)];
    let fit = |units: &[Unit]| names(&fitted(&ladder, units));
    assert_eq!(fit(&[instances(10)]), ["two", "tenth", "40_percent"]);
    assert_eq!(fit(&[instances(2)]), ["two", "tenth", "40_percent"]);
    assert_eq!(fit(&[instances(1)]), ["tenth"]);
    assert_eq!(fit(&[Unit::Connections]), ["tenth", "40_percent"]);
    // One that never fits leaves the built-in one.
    assert_eq!(names(&fitted(&[two], &[Unit::Connections])), SHARES);
    let one = Stage::instances::<1>().named("one");
    assert_eq!(names(&fitted(&[one], &[Unit::Connections])), ["one"]);
}

proptest! {
    #[test]
    fn a_default_ladder_can_always_be_resolved(
        replicas in prop::collection::vec(0_u32..40, 1..4),
        rising in prop::collection::btree_set(1_u32..=100, 0..5),
        count in 0_u32..10,
    ) {
        let units: Vec<_> = replicas
            .iter()
            .map(|count| NonZeroU32::new(*count).map_or(Unit::Connections, Unit::Instances))
            .collect();
        let kill = Fault::from(fault::kill("x"));
        let faults: Vec<_> = units.iter().map(|unit| (&kill, *unit)).collect();
        prop_assert!(resolve(&fitted(&[], &units), &faults).is_ok());
        // So can each other that rises, and names one kind of scope.
        let shares: Vec<_> = rising.iter().map(|percent| share(*percent)).collect();
        prop_assert!(resolve(&fitted(&shares, &units), &faults).is_ok());
        let counted = NonZeroU32::new(count).map(|count| Stage::from(Scope::Instances(count)));
        prop_assert!(resolve(&fitted(counted.as_slice(), &units), &faults).is_ok());
    }
}
