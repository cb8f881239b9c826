//! The first superadmin.

use halle_base::{Secret, new_id};
use halle_store::{EntityExt, StoreError};

use crate::Directory;
use crate::entities::Person;
use crate::error::DirectoryError;
use crate::passwords::check_policy;
use crate::service::users::parse_email;

impl Directory {
    /// Makes the account `email` a superadmin, and creates it with `password` if there is none. The password of an
    /// account that exists is left alone. A weak password is the operator's choice: it is taken, with a warning.
    pub async fn ensure_admin(&self, email: &str, password: &Secret<String>) -> Result<(), DirectoryError> {
        let refused = |message: String| DirectoryError::Refused(message);
        let email = parse_email(email).map_err(|error| refused(error.message))?;
        let mut work = self.0.store.read().await?;
        let known = work.find::<Person>("email", &email).await?;
        drop(work); // Never hold a transaction across a slow call.
        let now = self.now();
        if let Some(mut person) = known {
            if !person.is_admin {
                person.is_admin = true;
                let mut work = self.0.store.begin().await?;
                work.save(&mut person, now).await?;
                work.commit().await?;
            }
            return Ok(());
        }
        if password.reveal().is_empty() {
            return Err(refused(format!("the first superadmin `{email}` needs a password")));
        }
        if check_policy(password).is_err() {
            tracing::warn!(%email, "the superadmin's password is weak: change it before anybody else can reach this server");
        }
        let hash = self.0.passwords.hash(password).await.map_err(|error| refused(error.message))?;
        let person = Person {
            id: new_id(&*self.0.dice),
            email: email.clone(),
            password_hash: Some(hash),
            is_admin: true,
            created_at: now,
            ..Person::default()
        };
        let mut work = self.0.store.begin().await?;
        match work.insert(&person, now).await {
            // Another process of the same start was faster.
            Err(StoreError::Duplicate { .. }) => return Ok(()),
            other => other?,
        }
        work.commit().await?;
        tracing::info!(target: "halle::audit", code = "sd.admin.create", user = %email, "made the first superadmin");
        Ok(())
    }
}
