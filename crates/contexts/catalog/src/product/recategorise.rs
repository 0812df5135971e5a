use kernel::{Command, Decision, Facts, Reads, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Product, ProductRecategorised, ProductRejection, ProductState};
use crate::Category;

/// Moves a product to another category.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecategoriseProduct {
    /// The product.
    pub product_id: Uuid,
    /// The category it shall be in.
    pub category_id: Uuid,
}

impl Command for RecategoriseProduct {
    const NAME: &'static str = "recategorise-product";
    type Decider = Product;
    type Rejection = ProductRejection;

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.product_id)
    }

    fn reads(&self, _: Uuid, _: &ProductState) -> Reads {
        Reads::of::<Category>(self.category_id)
    }

    fn decide(&self, state: &ProductState, facts: &Facts) -> Verdict<Self> {
        let offer = state.offered()?;
        let category = facts.state::<Category>(self.category_id);
        let category_name = category.name().ok_or(ProductRejection::UnknownCategory)?;
        if self.category_id == offer.category_id {
            return Ok(Decision::nothing());
        }
        Ok(Decision::record(ProductRecategorised {
            product_id: self.product_id,
            category_id: self.category_id,
            category_name: category_name.to_owned(),
            previous_category_id: offer.category_id,
        }))
    }
}
