use std::collections::BTreeMap;

use kernel::{Command, Decision, Facts, Money, Reads, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Product, ProductCreated, ProductRejection, ProductState, check_attributes, check_price};
use crate::Category;
use crate::texts::{ATTRIBUTES_MOST, DESCRIPTION_LONGEST, PRODUCT_NAME_LONGEST, SKU_LONGEST, trimmed};

/// Takes a product into the catalog.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateProduct {
    /// The product's id; one is made where none is given.
    pub product_id: Option<Uuid>,
    /// The stock keeping unit, unique within the tenant to the letter; it is never free again.
    #[schemars(length(min = 1, max = SKU_LONGEST))]
    pub sku: String,
    /// Its name.
    #[schemars(length(min = 1, max = PRODUCT_NAME_LONGEST))]
    pub name: String,
    /// What it is, in as many lines as it takes.
    #[serde(default)]
    #[schemars(length(max = DESCRIPTION_LONGEST))]
    pub description: Option<String>,
    /// The category it is in.
    pub category_id: Uuid,
    /// What it costs, above 0.
    pub price: Money,
    /// Further properties, like a colour or a size.
    #[serde(default)]
    #[schemars(extend("maxProperties" = ATTRIBUTES_MOST))]
    pub attributes: BTreeMap<String, String>,
}

impl Command for CreateProduct {
    const NAME: &'static str = "create-product";
    type Decider = Product;
    type Rejection = ProductRejection;

    fn validate(&self, violations: &mut Violations) {
        violations.line("sku", &self.sku, SKU_LONGEST);
        violations.line("name", &self.name, PRODUCT_NAME_LONGEST);
        violations.prose("description", self.description.as_deref().unwrap_or_default(), DESCRIPTION_LONGEST);
        check_price(violations, self.price);
        check_attributes(violations, &self.attributes);
    }

    fn stream_id(&self) -> Option<Uuid> {
        self.product_id
    }

    fn reads(&self, _: Uuid, _: &ProductState) -> Reads {
        Reads::of::<Category>(self.category_id)
    }

    fn decide(&self, state: &ProductState, facts: &Facts) -> Verdict<Self> {
        if *state != ProductState::Unknown {
            return Err(ProductRejection::ProductExists);
        }
        let category = facts.state::<Category>(self.category_id);
        let category_name = category.name().ok_or(ProductRejection::UnknownCategory)?;
        let sku = trimmed(&self.sku);
        let created = ProductCreated {
            product_id: facts.id,
            sku: sku.clone(),
            name: trimmed(&self.name),
            description: self.description.clone().unwrap_or_default(),
            category_id: self.category_id,
            category_name: category_name.to_owned(),
            price: self.price,
            attributes: self.attributes.clone(),
        };
        Ok(Decision::record(created).claim("sku", sku, ProductRejection::SkuTaken))
    }
}
