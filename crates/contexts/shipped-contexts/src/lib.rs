//! The contexts that every service serves. A new context is one line here.

use kernel::ContextVisitor;

/// Shows `visitor` each of them.
pub fn visit(visitor: &mut impl ContextVisitor) {
    visitor.context::<catalog::Catalog>();
    visitor.context::<accounts::Accounts>();
    visitor.context::<orders::Orders>();
    visitor.context::<travel::Travel>();
}

#[cfg(test)]
mod tests;
