//! The proof that a suite notices faults: for each case there is a faulty store that only this case
//! detects.

/// Passes a store with each fault to every case of the suite. The test file has a `Fault` and a
/// `Faulty::new`.
#[macro_export]
macro_rules! each_fault {
    ($suite:ident: $($fault:ident => $module:ident::$case:ident,)*) => {
        /// Returns the cases that fail on a store with this fault. At the small size, races that
        /// are not expected to fail are left out, because they take nearly all of the time.
        fn caught_by(fault: Fault, expected: &[&str]) -> Vec<&'static str> {
            let store = || async { Faulty::new(fault) };
            let is_run =
                |case: &&&str| !case.starts_with("races::") || expected.contains(*case) || $crate::size(false, true);
            let fails = |case: &&&str| {
                commerce_auth::conformance::$suite::run(|future| pollster::block_on(future), store, case).is_err()
            };
            commerce_auth::conformance::$suite::CASES.iter().filter(is_run).filter(fails).copied().collect()
        }

        mod each_fault_is_caught_by_its_case_alone {
            use super::*;

            $(
                #[test]
                #[allow(non_snake_case)]
                fn $fault() {
                    let case = concat!(stringify!($module), "::", stringify!($case));
                    assert_eq!(caught_by(Fault::$fault, &[case]), [case]);
                }
            )*
        }

        #[test]
        fn every_case_has_a_fault_that_it_alone_catches() {
            let caught = [$(concat!(stringify!($module), "::", stringify!($case)),)*];
            let cases = commerce_auth::conformance::$suite::CASES.iter();
            let missing: Vec<_> = cases.filter(|case| !caught.contains(case)).collect();
            assert!(missing.is_empty(), "{missing:?}");
        }

        #[test]
        fn a_fault_that_is_none_is_caught_by_nothing() {
            let all = commerce_auth::conformance::$suite::CASES;
            assert_eq!(caught_by(Fault::None, all), [""; 0]);
        }

        #[test]
        fn a_store_that_can_be_reached_is_no_broken_one() {
            use commerce_auth::conformance::$suite::run_broken;

            let broken = |fault| {
                run_broken(|future| pollster::block_on(future), || async { Faulty::new(fault) })
            };
            assert!(broken(Fault::None).is_err());
            broken(Fault::IsUnreachable).unwrap();
        }
    };
}
