//! The settings of the server under test that a run may change at a restart, and what must stand after `cameo reconcile --apply`.

use cameo_image::{Fit, ImageSize};
use rand::{Rng, rngs::StdRng};

use crate::size_sets::{SIZE_SETS, VERTICAL, sizes_of};

/// What the configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which of the size sets applies to the vertical.
    size_set: usize,
    /// Its version.
    version: u32,
    /// Whether the vertical has it as a size set of its own, beside the default one.
    own: bool,
    /// `images.alias`.
    pub(crate) alias: bool,
    /// `images.public_url`; empty: the images listener.
    pub(crate) public_url: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { size_set: 0, version: 1, own: false, alias: true, public_url: String::new() }
    }
}

impl Settings {
    /// Those that a run begins with, where images are served at this address.
    pub(crate) fn at(public_url: &str) -> Self {
        Self { public_url: public_url.to_owned(), ..Self::default() }
    }

    /// The image sizes of the vertical.
    pub(crate) fn sizes(&self) -> Vec<ImageSize> {
        sizes_of(self.size_set)
    }

    /// Other settings. Whoever changes a size set is asked to raise its version, and does not always.
    pub(crate) fn changed(&self, rng: &mut StdRng) -> Self {
        let mut next = self.clone();
        match rng.random_range(0..5) {
            0 => next.alias = !self.alias,
            1 => next.own = !self.own,
            2 => next.public_url = other_name_of(&self.public_url),
            _ => {
                next.size_set = (self.size_set + rng.random_range(1..SIZE_SETS)) % SIZE_SETS;
                next.version += u32::from(rng.random_bool(0.7));
            }
        }
        next
    }

    /// What changed, in words.
    pub(crate) fn told(&self) -> String {
        let Self { size_set, version, own, alias, public_url } = self;
        format!("size set {size_set} as version {version}, own {own}, alias {alias}, public_url {public_url:?}")
    }

    /// The sections that say so.
    pub(crate) fn toml(&self) -> String {
        let default = if self.own { sizes_of(0) } else { self.sizes() };
        let version = if self.own { 1 } else { self.version };
        let mut text = format!("[images]\nalias = {}\n{}", self.alias, section("default", version, &default));
        if self.own {
            text.push_str(&section("own", self.version, &self.sizes()));
            text.push_str(&format!("[verticals]\n{VERTICAL} = {{ size_set = \"own\" }}\n"));
        }
        text
    }
}

fn section(name: &str, version: u32, sizes: &[ImageSize]) -> String {
    let size = |size: &ImageSize| {
        let fit = if size.fit == Fit::Cover { "cover" } else { "inside" };
        format!("{{ name = {:?}, width = {}, height = {}, fit = {fit:?} }}", size.name, size.width, size.height)
    };
    let sizes: Vec<_> = sizes.iter().map(size).collect();
    format!("[size_sets.{name}]\nversion = {version}\nsizes = [{}]\n", sizes.join(", "))
}

/// The same place under another name: an address that every row must be given.
fn other_name_of(public_url: &str) -> String {
    match public_url.strip_prefix("http://127.0.0.1:") {
        Some(port) => format!("http://localhost:{port}"),
        None => public_url.replacen("http://localhost:", "http://127.0.0.1:", 1),
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn every_change_changes_something() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut settings = Settings::at("http://127.0.0.1:1");
        for _ in 0..100 {
            let next = settings.changed(&mut rng);
            assert_ne!(next, settings);
            settings = next;
        }
    }
}
