//! Rules that say no.

/// A broken rule of the business: the reason a command is refused.
pub trait Rejection: std::error::Error + Clone + PartialEq + Send + Sync + 'static {
    /// Every code with its sentence, so that the API's description can list them.
    const CODES: &'static [(&'static str, &'static str)] = &[];

    /// The rule's stable name in kebab-case, which clients switch on: `sku-taken`.
    fn code(&self) -> &'static str;
}

/// Makes a context's rejections: the variant, its code, and the sentence that a client reads.
///
/// ```
/// kernel::rejections! {
///     /// Why the library says no.
///     pub enum LibraryRejection {
///         /// Somebody has it.
///         OnLoan = "on-loan": "the book is on loan",
///     }
/// }
/// assert_eq!(kernel::Rejection::code(&LibraryRejection::OnLoan), "on-loan");
/// ```
#[macro_export]
macro_rules! rejections {
    ($(#[$doc:meta])* pub enum $name:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $code:literal : $sentence:literal),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(match self { $(Self::$variant => $sentence),+ })
            }
        }

        impl std::error::Error for $name {}

        impl $crate::Rejection for $name {
            const CODES: &'static [(&'static str, &'static str)] = &[$(($code, $sentence)),+];

            fn code(&self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }
        }
    };
}
