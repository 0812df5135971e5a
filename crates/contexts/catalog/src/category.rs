//! A category: a name that products are grouped under, unique within the tenant.

mod create;
mod rename;

pub use create::CreateCategory;
pub use rename::RenameCategory;

use kernel::Decider;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The stream of one category.
#[derive(Debug, Clone, Copy)]
pub struct Category;

kernel::events! {
    /// What can happen to a category.
    pub enum CategoryEvent in "schemas/catalog" { CategoryCreated, CategoryRenamed }
}

/// A category was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CategoryCreated {
    /// The category.
    pub category_id: Uuid,
    /// Its name.
    pub name: String,
}

/// A category got another name; its products are in it still.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CategoryRenamed {
    /// The category.
    pub category_id: Uuid,
    /// Its new name.
    pub name: String,
}

/// Where a category stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum CategoryState {
    /// There is none.
    #[default]
    Unknown,
    /// There is one of this name.
    Named(String),
}

kernel::rejections! {
    /// Why a category's command is refused.
    pub enum CategoryRejection {
        /// The id is in use.
        CategoryExists = "category-exists": "a category with this id exists already",
        /// There is no such category.
        UnknownCategory = "unknown-category": "there is no category with this id",
        /// Another category of the tenant has the name.
        CategoryNameTaken = "category-name-taken": "another category has this name",
    }
}

impl Decider for Category {
    const STREAM: &'static str = "category";
    const STATE_VERSION: u32 = 1;
    type Event = CategoryEvent;
    type State = CategoryState;

    fn evolve(_: CategoryState, event: &CategoryEvent) -> CategoryState {
        match event {
            CategoryEvent::CategoryCreated(CategoryCreated { name, .. })
            | CategoryEvent::CategoryRenamed(CategoryRenamed { name, .. }) => {
                CategoryState::Named(name.clone())
            }
        }
    }
}

impl CategoryState {
    /// The name, where there is such a category.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Unknown => None,
            Self::Named(name) => Some(name),
        }
    }
}

/// The set of names that must be unique within a tenant.
const NAMES: &str = "category-name";

/// What makes two names the same to a person: neither upper and lower case nor the number of blanks counts.
fn unique_form(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests;
