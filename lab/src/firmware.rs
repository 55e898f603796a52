//! What a machine's firmware leaves for its operating system.

use nvmeroot_nbft::Table;

/// The boot tables (NBFT) that a machine's firmware leaves. Whatever runs the machine
/// puts them where its kernel shows such tables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Firmware(Vec<Vec<u8>>);

impl Firmware {
    /// A firmware that leaves these tables.
    ///
    /// # Panics
    /// When a table can't be written: scenarios name real ones.
    pub fn leaving(tables: &[Table]) -> Self {
        let bytes = |table: &Table| table.to_bytes().expect("a table that can be written");
        Firmware(tables.iter().map(bytes).collect())
    }

    /// The same with one more, which may be none that can be read.
    #[must_use]
    pub fn and(mut self, table: Vec<u8>) -> Self {
        self.0.push(table);
        self
    }

    /// The tables by the names that Linux gives them: the number is left out where there
    /// is only one (`acpi_table_attr_init`, drivers/acpi/sysfs.c).
    pub(crate) fn named(&self) -> Vec<(String, &[u8])> {
        let is_one = self.0.len() == 1;
        let named = (1..).zip(&self.0).map(|(number, table)| {
            let number = if is_one {
                String::new()
            } else {
                format!("{number}")
            };
            (format!("NBFT{number}"), table.as_slice())
        });
        named.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_tables_are_numbered() {
        let names = |firmware: &Firmware| -> Vec<String> {
            firmware.named().into_iter().map(|(name, _)| name).collect()
        };
        let one = Firmware::default().and(vec![1]);
        assert_eq!(names(&Firmware::default()), [""; 0]);
        assert_eq!(names(&one), ["NBFT"]);
        assert_eq!(names(&one.and(vec![2])), ["NBFT1", "NBFT2"]);
    }
}
