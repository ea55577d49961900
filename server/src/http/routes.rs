//! What there is: the one list that the router, the guard and the test of the OpenAPI document go by.

use axum::Router;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};

use super::{Api, audit, diagnostics, guard, health, login, openapi, questions, sql, status, tables, timeline};
use crate::people::Role;

/// A method of a path.
pub(super) struct Route {
    /// The method, for the test that compares with the description.
    #[cfg_attr(not(test), expect(dead_code, reason = "the handler answers to it already"))]
    pub(super) method: Method,
    /// The path, as axum has it, which is as OpenAPI has it.
    pub(super) path: &'static str,
    /// Who may; `None` is everybody.
    pub(super) needs: Option<Role>,
    handler: MethodRouter<Api>,
}

/// All of the API, and the log-in.
pub(super) fn routes() -> Vec<Route> {
    let on = |method: Method, path, needs, handler| Route { method, path, needs, handler };
    let (get_, post_) = (Method::GET, Method::POST);
    let (viewer, auditor, admin) = (Some(Role::Viewer), Some(Role::Auditor), Some(Role::Admin));
    vec![
        on(post_.clone(), "/api/sql", viewer, post(sql::ask)),
        on(get_.clone(), "/api/diagnostics", viewer, get(diagnostics::list)),
        on(get_.clone(), "/api/diagnostics/{name}", viewer, get(diagnostics::describe)),
        on(get_.clone(), "/api/diagnostics/{name}/rows", viewer, get(diagnostics::rows)),
        on(post_.clone(), "/api/diagnostics/{name}/rows", viewer, post(diagnostics::rows_of_body)),
        on(get_.clone(), "/api/audit", auditor, get(audit::list)),
        on(post_.clone(), "/api/audit", auditor, post(audit::run)),
        on(get_.clone(), "/api/timeline/{cluster}", auditor, get(timeline::tell)),
        on(get_.clone(), "/api/status", viewer, get(status::show)),
        on(get_.clone(), "/api/tables", viewer, get(tables::list)),
        on(get_.clone(), "/api/tables/{name}", viewer, get(tables::describe)),
        on(get_.clone(), "/api/questions", auditor, get(questions::list)),
        on(get_.clone(), "/api/openapi.json", None, get(openapi::document)),
        on(get_.clone(), "/healthz", None, get(health::alive)),
        on(get_.clone(), "/readyz", None, get(health::ready)),
        on(get_, "/metrics", admin, get(health::metrics)),
        on(post_.clone(), "/login", None, post(login::open)),
        on(post_, "/logout", viewer, post(login::close)),
    ]
}

/// The router. A route that needs a role asks for it whatever the guard has done.
pub(super) fn router() -> Router<Api> {
    routes().into_iter().fold(Router::new(), |router, route| {
        let handler = match route.needs {
            Some(role) => route.handler.route_layer(from_fn_with_state(role, guard::has_role)),
            None => route.handler,
        };
        router.route(route.path, handler)
    })
}

/// Who may ask for a path of this list, whatever the method: `None` if it is not on it, `Some(None)` if everybody may.
pub(super) fn needs(path: &str) -> Option<Option<Role>> {
    let fixed = |needs| Some(needs);
    match path {
        "/api/openapi.json" | "/healthz" | "/readyz" | "/login" => fixed(None),
        "/metrics" => fixed(Some(Role::Admin)),
        "/logout" => fixed(Some(Role::Viewer)),
        _ if path.starts_with("/api/") => fixed(Some(Role::Viewer)),
        _ => None,
    }
}

/// Whether a path is asked for by what watches the server.
pub(super) fn is_watched(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_guard_lets_through_is_what_the_list_says() {
        for route in routes() {
            let needs = needs(route.path);
            assert_eq!(needs.is_some_and(|needs| needs.is_none()), route.needs.is_none(), "{}", route.path);
        }
        assert_eq!(needs("/api/no/such/thing"), Some(Some(Role::Viewer)));
        assert_eq!(needs("/"), None);
        assert_eq!(needs("/healthz/"), None);
    }
}
