//! A product: what is sold, in which category, at what price.

mod change_price;
mod create;
mod describe;
mod discontinue;
mod recategorise;

pub use change_price::ChangePrice;
pub use create::CreateProduct;
pub use describe::DescribeProduct;
pub use discontinue::DiscontinueProduct;
pub use recategorise::RecategoriseProduct;

use std::collections::BTreeMap;

use kernel::{Decider, Money, Violations};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::texts::{ATTRIBUTE_NAME_LONGEST, ATTRIBUTE_VALUE_LONGEST, ATTRIBUTES_MOST, PRICE_LARGEST};

/// The stream of one product.
#[derive(Debug, Clone, Copy)]
pub struct Product;

kernel::events! {
    /// What can happen to a product.
    pub enum ProductEvent in "schemas/catalog" {
        ProductCreated, ProductDescribed, PriceChanged, ProductRecategorised, ProductDiscontinued
    }
}

/// A product was taken into the catalog.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductCreated {
    /// The product.
    pub product_id: Uuid,
    /// The stock keeping unit, unique within the tenant for ever.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// What it is; may be empty.
    pub description: String,
    /// The category it is in.
    pub category_id: Uuid,
    /// The category's name at this point of history.
    pub category_name: String,
    /// What it costs.
    pub price: Money,
    /// Further properties.
    pub attributes: BTreeMap<String, String>,
}

/// A product's name, description or attributes changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductDescribed {
    /// The product.
    pub product_id: Uuid,
    /// Its new name, where it changed.
    pub name: Option<String>,
    /// Its new description, where it changed.
    pub description: Option<String>,
    /// All of its attributes, where they changed.
    pub attributes: Option<BTreeMap<String, String>>,
}

/// A product got another price.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PriceChanged {
    /// The product.
    pub product_id: Uuid,
    /// What it costs from now on.
    pub price: Money,
    /// What it cost before.
    pub previous_price: Money,
}

/// A product went to another category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductRecategorised {
    /// The product.
    pub product_id: Uuid,
    /// The category it is in now.
    pub category_id: Uuid,
    /// That category's name at this point of history.
    pub category_name: String,
    /// The category it was in before.
    pub previous_category_id: Uuid,
}

/// A product is sold no longer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductDiscontinued {
    /// The product.
    pub product_id: Uuid,
    /// The category it was in.
    pub category_id: Uuid,
    /// Why.
    pub reason: String,
}

/// Where a product stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum ProductState {
    /// There is none.
    #[default]
    Unknown,
    /// It is sold.
    Offered(Offer),
    /// It is sold no longer; this is final.
    Discontinued,
}

/// What is sold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The category it is in.
    pub category_id: Uuid,
    /// What it costs.
    pub price: Money,
    /// Further properties.
    pub attributes: BTreeMap<String, String>,
}

kernel::rejections! {
    /// Why a product's command is refused.
    pub enum ProductRejection {
        /// The id is in use.
        ProductExists = "product-exists": "a product with this id exists already",
        /// Another product of the tenant has or had the SKU.
        SkuTaken = "sku-taken": "another product has this SKU",
        /// There is no such category.
        UnknownCategory = "unknown-category": "there is no category with this id",
        /// There is no such product.
        UnknownProduct = "unknown-product": "there is no product with this id",
        /// It is sold no longer.
        Discontinued = "discontinued": "the product is discontinued",
        /// A product keeps its currency.
        CurrencyMismatch = "currency-mismatch": "the product is priced in another currency",
    }
}

impl Decider for Product {
    const STREAM: &'static str = "product";
    const STATE_VERSION: u32 = 1;
    type Event = ProductEvent;
    type State = ProductState;

    fn evolve(state: ProductState, event: &ProductEvent) -> ProductState {
        match event {
            ProductEvent::ProductCreated(created) => ProductState::Offered(Offer {
                name: created.name.clone(),
                description: created.description.clone(),
                category_id: created.category_id,
                price: created.price,
                attributes: created.attributes.clone(),
            }),
            ProductEvent::ProductDescribed(described) => state.with(|offer| offer.describe(described)),
            ProductEvent::PriceChanged(changed) => state.with(|offer| offer.price = changed.price),
            ProductEvent::ProductRecategorised(moved) => {
                state.with(|offer| offer.category_id = moved.category_id)
            }
            ProductEvent::ProductDiscontinued(_) => ProductState::Discontinued,
        }
    }
}

impl ProductState {
    /// What is sold, or why nothing can be changed about it.
    fn offered(&self) -> Result<&Offer, ProductRejection> {
        match self {
            Self::Unknown => Err(ProductRejection::UnknownProduct),
            Self::Offered(offer) => Ok(offer),
            Self::Discontinued => Err(ProductRejection::Discontinued),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Offer)) -> Self {
        if let Self::Offered(offer) = &mut self {
            change(offer);
        }
        self
    }
}

impl Offer {
    fn describe(&mut self, described: &ProductDescribed) {
        if let Some(name) = &described.name {
            self.name.clone_from(name);
        }
        if let Some(description) = &described.description {
            self.description.clone_from(description);
        }
        if let Some(attributes) = &described.attributes {
            self.attributes.clone_from(attributes);
        }
    }
}

fn check_price(violations: &mut Violations, price: Money) {
    violations.positive("price.amount", price.amount, PRICE_LARGEST);
}

fn check_attributes(violations: &mut Violations, attributes: &BTreeMap<String, String>) {
    violations.require(attributes.len() <= ATTRIBUTES_MOST, "attributes", "too-many");
    for (name, value) in attributes {
        violations.line("attributes", name, ATTRIBUTE_NAME_LONGEST);
        violations.prose("attributes", value, ATTRIBUTE_VALUE_LONGEST);
    }
}

#[cfg(test)]
mod tests;
