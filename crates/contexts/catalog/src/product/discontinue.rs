use kernel::{Command, Decision, Facts, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Product, ProductDiscontinued, ProductRejection, ProductState};
use crate::texts::{REASON_LONGEST, check_reason, trimmed};

/// Ends the sale of a product, for good. Its SKU stays taken, its stock stays where it is, and what is reserved
/// can still be shipped or released.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscontinueProduct {
    /// The product.
    pub product_id: Uuid,
    /// Why.
    #[schemars(length(min = 1, max = REASON_LONGEST))]
    pub reason: String,
}

impl Command for DiscontinueProduct {
    const NAME: &'static str = "discontinue-product";
    type Decider = Product;
    type Rejection = ProductRejection;

    fn validate(&self, violations: &mut Violations) {
        check_reason(violations, &self.reason);
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.product_id)
    }

    fn decide(&self, state: &ProductState, _: &Facts) -> Verdict<Self> {
        let offer = state.offered()?;
        Ok(Decision::record(ProductDiscontinued {
            product_id: self.product_id,
            category_id: offer.category_id,
            reason: trimmed(&self.reason),
        }))
    }
}
