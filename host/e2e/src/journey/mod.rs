//! The journey: every step of the main job, proved over HTTP on a clean folder. A file per step.

mod account;
mod catalog;
mod enricher;
mod lines;
mod outside;
mod pages;
mod processing;
mod sandbox;
mod service;
mod upload;
mod visualisation;

use anyhow::{Result, bail};

use crate::DemoArgs;
use crate::client::Client;
use crate::demo::{self, PLUGINS, World};
use crate::server::{ADMIN_EMAIL, Server, free_port};

/// What the steps share.
pub struct Journey {
    /// What was asked.
    pub args: DemoArgs,
    /// The outside world.
    pub world: World,
    /// The server; a step that kills it puts another in its place.
    pub server: Server,
    /// A client with a key of the superadmin's own account.
    pub admin: Client,
    /// A client without a key.
    pub anonymous: Client,
}

impl Journey {
    /// Ends the server as a power cut would, and starts another over the same folder that may call `origins`.
    pub async fn restart(&mut self, origins: &[String]) -> Result<()> {
        let data = self.server.data().to_owned();
        // The old server must be gone before the next one opens the folder.
        self.server.kill_now().await?;
        self.server = Server::start(&self.args.halle, &data, free_port()?, origins).await?;
        self.admin.base.clone_from(&self.server.url);
        self.anonymous.base.clone_from(&self.server.url);
        Ok(())
    }
}

/// Proves every step, one line a step; fails at the end if one failed.
pub async fn prove(args: &DemoArgs) -> Result<()> {
    let folder = args.work_dir.join("check");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let world = World::start().await?;
    let server = Server::start(&args.halle, &folder.join("data"), free_port()?, &world.origins()).await?;
    let anonymous = Client::anonymous(&server.url)?;
    let key = server.command(&["key", "new", "--user", ADMIN_EMAIL]).await?;
    let admin = anonymous.with_key(&key);
    for plugin in PLUGINS {
        demo::install(&server, &args.plugins, plugin).await?;
    }
    let mut journey = Journey { args: args.clone(), world, server, admin, anonymous };
    let mut failures = 0;
    macro_rules! step {
        ($title:literal, $prove:path) => {
            match $prove(&mut journey).await {
                Ok(detail) => println!("ok      {}: {detail}", $title),
                Err(error) => {
                    failures += 1;
                    println!("FAILED  {}: {error:#}", $title);
                }
            }
        };
    }
    step!("1 account", account::prove);
    step!("2 upload", upload::prove);
    step!("3 enricher", enricher::prove);
    step!("4 lines", lines::prove);
    step!("5 processing", processing::prove);
    step!("6 catalogue", catalog::prove);
    step!("7 visualisation", visualisation::prove);
    step!("8 remote service", service::prove);
    step!("9 plugins of ours that ask services", outside::prove);
    step!("10 pages", pages::prove);
    step!("11 sandbox", sandbox::prove);
    journey.server.stop().await?;
    if failures > 0 {
        bail!(
            "{failures} steps failed; the log of the server is in {}",
            folder.join("data/server.log").display()
        );
    }
    println!("\nthe journey is proved");
    Ok(())
}
