//! The file system within old Office files: a header, sectors, and chains of them.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use crate::error::{IngestError, IngestResult};

const SIGNATURE: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

/// Sector numbers from here on end a chain.
const LAST_SECTOR: u32 = 0xffff_fffa;

const HEADER_BYTES: usize = 512;
const ENTRY_BYTES: usize = 128;
const MINI_SECTOR_BYTES: usize = 64;

/// Sectors of the table that the header itself names.
const HEADER_TABLE_SECTORS: usize = 109;

/// A file whose tables were read.
struct Compound {
    bytes: Vec<u8>,
    sector_bytes: usize,
    table: Vec<u32>,
}

/// The content of the first stream that has one of these names.
pub(super) fn stream(mut file: File, names: &[&str], bytes_max: usize) -> IngestResult<Vec<u8>> {
    let length = file.seek(SeekFrom::End(0))?;
    if length > bytes_max as u64 {
        let reason = format!("il dépasse {} Mo ; enregistrez-le au format .xlsx", bytes_max >> 20);
        return Err(IngestError::broken("le classeur", reason));
    }
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    file.take(bytes_max as u64).read_to_end(&mut bytes)?;
    let compound = Compound::new(bytes).ok_or_else(|| broken("ce n'est pas un classeur Excel 97 (.xls)"))?;
    if compound.find(&["EncryptedPackage"]).is_some() {
        return Err(broken("il est protégé par un mot de passe"));
    }
    compound.find(names).ok_or_else(|| broken("il est endommagé ou incomplet"))
}

fn broken(reason: &str) -> IngestError {
    IngestError::broken("le classeur", reason)
}

impl Compound {
    fn new(bytes: Vec<u8>) -> Option<Self> {
        let shift = u16_at(&bytes, 30)?;
        if !bytes.starts_with(&SIGNATURE) || !matches!(shift, 9 | 12) {
            return None;
        }
        let mut compound = Self { bytes, sector_bytes: 1 << shift, table: Vec::new() };
        let sectors_max = compound.bytes.len() / compound.sector_bytes + 1;
        let mut table_sectors: Vec<u32> = (0..HEADER_TABLE_SECTORS)
            .map_while(|index| u32_at(&compound.bytes, 76 + 4 * index))
            .take_while(|sector| *sector < LAST_SECTOR)
            .collect();
        let mut next = u32_at(&compound.bytes, 68)?;
        while next < LAST_SECTOR && table_sectors.len() <= sectors_max {
            let sector = compound.sector(next)?;
            let numbers = sector.len() / 4 - 1;
            let listed = (0..numbers).filter_map(|index| u32_at(sector, 4 * index));
            table_sectors.extend(listed.filter(|sector| *sector < LAST_SECTOR));
            next = u32_at(sector, 4 * numbers)?;
        }
        let mut table = Vec::new();
        for sector in table_sectors.into_iter().take(sectors_max) {
            let sector = compound.sector(sector)?;
            table.extend((0..sector.len() / 4).filter_map(|index| u32_at(sector, 4 * index)));
        }
        compound.table = table;
        Some(compound)
    }

    /// A whole sector; the last one of a file may be cut, and then is not there.
    fn sector(&self, number: u32) -> Option<&[u8]> {
        let start = (number as usize).checked_add(1)?.checked_mul(self.sector_bytes)?;
        let start =
            if self.sector_bytes > HEADER_BYTES { start } else { start - self.sector_bytes + HEADER_BYTES };
        self.bytes.get(start..start.checked_add(self.sector_bytes)?)
    }

    /// The sectors of a chain, one after the other; `None` when it goes in circles or outside.
    fn chain(&self, start: u32) -> Option<Vec<u8>> {
        let (mut content, mut next) = (Vec::new(), start);
        for _ in 0..=self.table.len() {
            if next >= LAST_SECTOR {
                return Some(content);
            }
            content.extend_from_slice(self.sector(next)?);
            next = *self.table.get(next as usize)?;
        }
        None
    }

    fn find(&self, names: &[&str]) -> Option<Vec<u8>> {
        let folder = self.chain(u32_at(&self.bytes, 48)?)?;
        let entries = || folder.chunks_exact(ENTRY_BYTES);
        let named =
            |name: &str| entries().find(|entry| entry[66] == 2 && name_of(entry).eq_ignore_ascii_case(name));
        let entry = names.iter().find_map(|name| named(name))?;
        let size = u32_at(entry, 120)? as usize;
        let start = u32_at(entry, 116)?;
        let small_bytes_max = u32_at(&self.bytes, 56)? as usize;
        let mut content = if size < small_bytes_max {
            let root = entries().find(|entry| entry[66] == 5)?;
            self.mini_chain(start, size, &self.chain(u32_at(root, 116)?)?)?
        } else {
            self.chain(start)?
        };
        if content.len() < size {
            return None;
        }
        content.truncate(size);
        Some(content)
    }

    /// A small stream: pieces of the stream that holds all small ones.
    fn mini_chain(&self, start: u32, size: usize, container: &[u8]) -> Option<Vec<u8>> {
        let table = self.chain(u32_at(&self.bytes, 60)?)?;
        let (mut content, mut next) = (Vec::new(), start);
        while content.len() < size {
            let at = (next as usize).checked_mul(MINI_SECTOR_BYTES)?;
            content.extend_from_slice(container.get(at..at.checked_add(MINI_SECTOR_BYTES)?)?);
            next = u32_at(&table, (next as usize).checked_mul(4)?)?;
        }
        Some(content)
    }
}

/// Name of an entry: UTF-16, with its length in bytes behind.
fn name_of(entry: &[u8]) -> String {
    let bytes = usize::from(u16_at(entry, 64).unwrap_or(0)).saturating_sub(2).min(62);
    let units: Vec<u16> = (0..bytes / 2).filter_map(|index| u16_at(entry, 2 * index)).collect();
    String::from_utf16_lossy(&units)
}

/// A number at an offset, low byte first.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

/// A number at an offset, low byte first.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}
