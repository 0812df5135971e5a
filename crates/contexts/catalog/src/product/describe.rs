use std::collections::BTreeMap;

use kernel::{Command, Decision, Facts, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Product, ProductDescribed, ProductRejection, ProductState, check_attributes};
use crate::texts::{ATTRIBUTES_MOST, DESCRIPTION_LONGEST, PRODUCT_NAME_LONGEST, trimmed};

/// Changes what is said about a product. What is left out stays as it is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DescribeProduct {
    /// The product.
    pub product_id: Uuid,
    /// Its new name.
    #[serde(default)]
    #[schemars(length(min = 1, max = PRODUCT_NAME_LONGEST))]
    pub name: Option<String>,
    /// Its new description; an empty one takes the old one away.
    #[serde(default)]
    #[schemars(length(max = DESCRIPTION_LONGEST))]
    pub description: Option<String>,
    /// All of its properties; those it had before and that are not among them are gone.
    #[serde(default)]
    #[schemars(extend("maxProperties" = ATTRIBUTES_MOST))]
    pub attributes: Option<BTreeMap<String, String>>,
}

impl Command for DescribeProduct {
    const NAME: &'static str = "describe-product";
    type Decider = Product;
    type Rejection = ProductRejection;

    fn validate(&self, violations: &mut Violations) {
        if let Some(name) = &self.name {
            violations.line("name", name, PRODUCT_NAME_LONGEST);
        }
        if let Some(description) = &self.description {
            violations.prose("description", description, DESCRIPTION_LONGEST);
        }
        if let Some(attributes) = &self.attributes {
            check_attributes(violations, attributes);
        }
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.product_id)
    }

    fn decide(&self, state: &ProductState, _: &Facts) -> Verdict<Self> {
        let offer = state.offered()?;
        let described = ProductDescribed {
            product_id: self.product_id,
            name: self.name.as_deref().map(trimmed).filter(|name| *name != offer.name),
            description: self.description.clone().filter(|description| *description != offer.description),
            attributes: self.attributes.clone().filter(|attributes| *attributes != offer.attributes),
        };
        let unchanged =
            described.name.is_none() && described.description.is_none() && described.attributes.is_none();
        Ok(if unchanged { Decision::nothing() } else { Decision::record(described) })
    }
}
