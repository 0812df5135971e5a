//! Routes and their descriptions, kept together so that neither is without the other.

use axum::Router;
use axum::extract::FromRef;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::get;
use http_api::{Authenticator, OpenApi, Operation};
use service_runtime::CancellationToken;

use crate::live::Streams;
use crate::past::Past;
use crate::processes::Processes;
use crate::stores::Stores;

/// What queries work with.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) authenticator: Authenticator,
    pub(crate) stores: Stores,
    pub(crate) streams: Streams,
    pub(crate) processes: Processes,
    pub(crate) past: Past,
    /// Cancelled when the service drains.
    pub(crate) stop: CancellationToken,
}

impl FromRef<App> for Authenticator {
    fn from_ref(app: &App) -> Self {
        app.authenticator.clone()
    }
}

/// The routes so far.
#[derive(Debug)]
pub(crate) struct Api {
    routes: Router<App>,
    open_api: OpenApi,
}

impl Api {
    pub(crate) fn new() -> Self {
        let open_api = OpenApi::new(
            "Twofold queries",
            "What has happened, as it stands now. Everything needs a token with the context's `read` scope and \
             answers for the token's tenant only.\n\n\
             Every answer says in `Twofold-Sequence` what it reflects. To read what you wrote, send the \
             `Twofold-Sequence` of the command's answer as `Twofold-After`.",
        );
        Self { routes: Router::new(), open_api }
    }

    /// Explains a tag.
    pub(crate) fn tag(&mut self, name: &str, description: &str) {
        self.open_api.tag(name, description);
    }

    /// A query at a path.
    pub(crate) fn get<H, T>(&mut self, path: &str, handler: H, operation: Operation)
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let routes = std::mem::take(&mut self.routes);
        self.routes = routes.route(path, get(handler));
        self.open_api.operation(&Method::GET, path, operation);
    }

    pub(crate) fn into_parts(self) -> (Router<App>, OpenApi) {
        (self.routes, self.open_api)
    }
}
