use kernel::{Command, Decision, Facts, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Category, CategoryCreated, CategoryRejection, CategoryState, NAMES, unique_form};
use crate::texts::{CATEGORY_NAME_LONGEST, trimmed};

/// Makes a category.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCategory {
    /// The category's id; one is made where none is given.
    pub category_id: Option<Uuid>,
    /// Its name, unique within the tenant whatever its case and blanks.
    #[schemars(length(min = 1, max = CATEGORY_NAME_LONGEST))]
    pub name: String,
}

impl Command for CreateCategory {
    const NAME: &'static str = "create-category";
    type Decider = Category;
    type Rejection = CategoryRejection;

    fn validate(&self, violations: &mut Violations) {
        violations.line("name", &self.name, CATEGORY_NAME_LONGEST);
    }

    fn stream_id(&self) -> Option<Uuid> {
        self.category_id
    }

    fn decide(&self, state: &CategoryState, facts: &Facts) -> Verdict<Self> {
        if state.name().is_some() {
            return Err(CategoryRejection::CategoryExists);
        }
        let created = CategoryCreated { category_id: facts.id, name: trimmed(&self.name) };
        Ok(Decision::record(created).claim(
            NAMES,
            unique_form(&self.name),
            CategoryRejection::CategoryNameTaken,
        ))
    }
}
