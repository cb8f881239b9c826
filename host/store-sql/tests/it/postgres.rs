//! The store on PostgreSQL.

use std::sync::Arc;

use halle_base::Secret;
use halle_store::{Store, conformance};
use halle_store_sql::SqlStore;

use crate::postgres_server::Server;

#[tokio::test(flavor = "multi_thread")]
async fn postgres_conforms() {
    let server = Server::start();
    let url = Secret::new(server.url());

    // Two processes may open the same empty database at once.
    let (first, second) = tokio::join!(SqlStore::postgres(&url), SqlStore::postgres(&url));
    second.unwrap().close().await;
    let first = Arc::new(first.unwrap());
    let store: Arc<dyn Store> = Arc::<SqlStore>::clone(&first);
    conformance::documents(&*store).await;
    conformance::lists(&*store).await;
    conformance::logs(&*store).await;
    conformance::lines(&*store).await;
    conformance::revisions(&*store).await;
    conformance::usage(&*store).await;
    conformance::jobs(&*store).await;
    conformance::units_of_work(Arc::clone(&store)).await;
    conformance::runner(store).await;
    first.close().await;
}

#[tokio::test]
async fn a_wrong_url_is_refused_without_showing_it() {
    let error = SqlStore::postgres(&Secret::new("postgres//u:hunter2@host".to_owned())).await.unwrap_err();
    assert!(error.to_string().contains("postgres://user:password@host:port/database"), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}
