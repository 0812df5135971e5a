use kernel::{Command, Decision, Facts, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Category, CategoryRejection, CategoryRenamed, CategoryState, NAMES, unique_form};
use crate::texts::{CATEGORY_NAME_LONGEST, trimmed};

/// Gives a category another name, which shows on all of its products.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameCategory {
    /// The category.
    pub category_id: Uuid,
    /// Its new name, unique within the tenant whatever its case and blanks.
    #[schemars(length(min = 1, max = CATEGORY_NAME_LONGEST))]
    pub name: String,
}

impl Command for RenameCategory {
    const NAME: &'static str = "rename-category";
    type Decider = Category;
    type Rejection = CategoryRejection;

    fn validate(&self, violations: &mut Violations) {
        violations.line("name", &self.name, CATEGORY_NAME_LONGEST);
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.category_id)
    }

    fn decide(&self, state: &CategoryState, _: &Facts) -> Verdict<Self> {
        let old = state.name().ok_or(CategoryRejection::UnknownCategory)?;
        let new = trimmed(&self.name);
        if new == old {
            return Ok(Decision::nothing());
        }
        let (old_form, new_form) = (unique_form(old), unique_form(&new));
        let renamed = Decision::record(CategoryRenamed { category_id: self.category_id, name: new });
        if old_form == new_form {
            return Ok(renamed);
        }
        Ok(renamed.release(NAMES, old_form).claim(NAMES, new_form, CategoryRejection::CategoryNameTaken))
    }
}
