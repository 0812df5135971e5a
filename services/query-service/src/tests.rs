use kernel::{Context, ContextVisitor};

use super::*;

struct Names(Vec<&'static str>);

impl ContextVisitor for Names {
    fn context<C: Context>(&mut self) {
        self.0.push(C::NAME);
    }
}

#[test]
fn every_context_that_is_shipped_can_be_asked() {
    let mut api = Api::new();
    catalog::add_to(&mut api);
    accounts::add_to(&mut api);
    orders::add_to(&mut api);
    travel::add_to(&mut api);
    let description = api.into_parts().1.to_value();
    let mut names = Names(Vec::new());
    shipped_contexts::visit(&mut names);
    for name in names.0 {
        let prefix = format!("/v1/{name}/");
        let paths = description["paths"].as_object().unwrap();
        assert!(paths.keys().any(|path| path.starts_with(&prefix)), "{name} has no query");
    }
}
