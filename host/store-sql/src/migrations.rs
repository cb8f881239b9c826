//! Migrations, embedded: the same names in `migrations/sqlite` and `migrations/postgres`. Never edited once released,
//! and each works with the binary before it, so that processes can be replaced one by one.

use halle_store::{StoreError, StoreResult};
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::dialect::{Connection, Engine};

/// One change of the schema, for both engines.
struct Step {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! step {
    ($version:literal, $name:literal) => {
        Step {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }
    };
}

/// Every step, in order. A new one is a new line here and a new file in each folder.
const STEPS: &[Step] = &[
    step!(1, "0001_first"),
    step!(2, "0002_line_revisions"),
    step!(3, "0003_deleted_lines"),
    step!(4, "0004_plugin_usage"),
    step!(5, "0005_waiting_jobs"),
    step!(6, "0006_usage_of_accounts"),
];

/// Brings the schema up to date.
pub(crate) async fn run(engine: &Engine) -> StoreResult<()> {
    let done = match engine {
        Engine::Sqlite { writer, .. } => migrator(|step| step.sqlite).run(writer).await,
        Engine::Postgres(pool) => migrator(|step| step.postgres).run(pool).await,
    };
    done.map_err(|error| {
        StoreError::engine(format!(
            "cannot bring the database up to date: {error}. If a newer version of halle used this database, run that \
             version, or restore a backup made before it"
        ))
    })
}

/// Checks that the engine answers and that the last step was done.
pub(crate) async fn check(connection: &mut Connection) -> StoreResult<()> {
    let row = connection.row("SELECT MAX(version) FROM _sqlx_migrations".into_sql_str(), &[]).await?;
    let found: Option<i64> = row.map(|row| row.get(0)).transpose()?.flatten();
    let wanted = STEPS.last().map(|step| step.version);
    if found == wanted {
        return Ok(());
    }
    Err(StoreError::engine(format!(
        "the database is at version {found:?} of the schema, this binary needs {wanted:?}: run the same version of \
         halle everywhere"
    )))
}

fn migrator(sql: impl Fn(&Step) -> &'static str) -> Migrator {
    let migration = |step: &Step| {
        let text = sql(step).into_sql_str();
        Migration::new(step.version, step.name.into(), MigrationType::Simple, text, false)
    };
    Migrator::with_migrations(STEPS.iter().map(migration).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(engine: &str) -> Vec<String> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn both_engines_have_the_same_migrations_and_all_are_embedded() {
        let embedded: Vec<String> = STEPS.iter().map(|step| format!("{}.sql", step.name)).collect();
        assert_eq!(files("sqlite"), embedded);
        assert_eq!(files("postgres"), embedded);
    }

    #[test]
    fn names_start_with_their_version() {
        for step in STEPS {
            assert!(step.name.starts_with(&format!("{:04}_", step.version)), "{}", step.name);
        }
    }
}
