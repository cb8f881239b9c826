//! Pages as visitors get them: real datasets, real permissions, HTML.

mod pages;
mod seo;
mod site;
