//! A new migration is compiled in, not only a changed one.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
