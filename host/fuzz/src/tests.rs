//! Seeds, without libFuzzer.

use std::collections::BTreeSet;

use super::*;

fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let folder = target.folder().join("seeds");
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut seeds: Vec<Vec<u8>> = entries.map(|entry| std::fs::read(entry.path()).unwrap()).collect();
    seeds.extend((target.generated)());
    seeds
}

#[test]
fn every_target_reads_its_seeds_and_survives_them_cut_short() {
    for target in TARGETS {
        let seeds = seeds(target);
        assert!(!seeds.is_empty(), "{} has no seed", target.name);
        for seed in seeds {
            (target.feed)(&seed);
            (target.feed)(&seed[..seed.len() / 2]);
        }
        (target.feed)(&[]);
    }
}

#[test]
fn every_folder_is_of_a_target() {
    let entries = std::fs::read_dir(folders()).unwrap();
    let folders: BTreeSet<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(folders, names);
}
