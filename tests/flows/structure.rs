//! The order of the modules of `src`: imports point downwards only, and no two modules import each
//! other.
//!
//! CONTRIBUTING.md has the same order for readers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{
    Item, UseTree,
    visit::{self, Visit},
};

/// The modules of `src`, from the top down. Each may import from those below it.
const ORDER: [&str; 21] = [
    "graphql",
    "http",
    "auth",
    "flow",
    "service",
    "shared",
    "config",
    "conformance",
    "state",
    "store",
    "audit",
    "notifier",
    "challenge",
    "credential",
    "token",
    "account",
    "keyring",
    "error",
    "clock",
    "bytes",
    "random",
];

/// A path of modules below `src`, such as `["flow", "steps", "sign_in"]`.
type Module = Vec<String>;

#[derive(Default)]
struct Source {
    /// The children of each module that its file declares.
    children: BTreeMap<Module, BTreeSet<String>>,
    /// For each module, the re-exported names with the modules that they come from.
    exports: BTreeMap<Module, BTreeMap<String, Module>>,
    /// For each module, its imports from elsewhere in the crate, as paths of names.
    imports: BTreeMap<Module, BTreeSet<Vec<String>>>,
}

impl Source {
    fn read(folder: &Path) -> Self {
        let mut source = Self::default();
        let mut files = Vec::new();
        list(folder, &mut files);
        for file in files {
            let module = module_of(file.strip_prefix(folder).unwrap());
            // A unit test may import from anywhere.
            if module.last().is_some_and(|name| name == "tests" || name == "testing") {
                continue;
            }
            let parsed = syn::parse_file(&fs::read_to_string(&file).unwrap()).unwrap();
            let mut reader = Reader { source: &mut source, module };
            reader.visit_file(&parsed);
        }
        source
    }

    /// Returns the module of the item that a path names. It follows re-exports.
    fn home(&self, path: &[String]) -> Module {
        let mut module = Module::new();
        for name in path {
            let is_child = self.children.get(&module).is_some_and(|children| children.contains(name));
            match self.exports.get(&module).and_then(|exports| exports.get(name)) {
                _ if is_child => module.push(name.clone()),
                Some(home) if *home != module => {
                    return self.home(&[home.clone(), vec![name.clone()]].concat());
                }
                _ => break,
            }
        }
        module
    }

    /// Returns the pairs of modules of which one imports from the other.
    fn edges(&self) -> BTreeSet<(Module, Module)> {
        let edges = self
            .imports
            .iter()
            .flat_map(|(from, paths)| paths.iter().map(move |path| (from.clone(), self.home(path))));
        edges.filter(|(from, to)| !to.is_empty() && !from.is_empty()).collect()
    }
}

struct Reader<'a> {
    source: &'a mut Source,
    module: Module,
}

impl Reader<'_> {
    /// Returns the path of names from the root of the crate. None if the path leads out of the
    /// crate.
    fn resolve(&self, path: &[String]) -> Option<Vec<String>> {
        let mut base = self.module.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => base.clear(),
            "self" => {}
            "super" => {
                let ups = path.iter().take_while(|name| *name == "super").count();
                base.truncate(base.len().checked_sub(ups)?);
                rest = path.get(ups - 1..)?;
            }
            first if self.is_child(first) => {
                base.push(first.to_owned());
            }
            _ => return None,
        }
        base.extend(rest.get(1..)?.iter().cloned());
        Some(base)
    }

    fn is_child(&self, name: &str) -> bool {
        self.source.children.get(&self.module).is_some_and(|children| children.contains(name))
    }

    fn import(&mut self, path: &[String]) {
        if let Some(path) = self.resolve(path) {
            self.source.imports.entry(self.module.clone()).or_default().insert(path);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Mod(module) if module.content.is_none() => {
                let children = self.source.children.entry(self.module.clone()).or_default();
                children.insert(module.ident.to_string());
            }
            // Unit tests are in a module `tests` of their file.
            Item::Mod(module) if module.ident == "tests" => {}
            Item::Mod(module) => {
                self.module.push(module.ident.to_string());
                visit::visit_item_mod(self, module);
                self.module.pop();
            }
            Item::Use(uses) => {
                let mut paths = Vec::new();
                flatten(&uses.tree, &mut Vec::new(), &mut paths);
                for (path, name) in paths {
                    self.import(&path);
                    let Some(path) = self.resolve(&path) else { continue };
                    if let Some((_, home)) = path.split_last() {
                        let exports = self.source.exports.entry(self.module.clone()).or_default();
                        exports.insert(name, home.to_vec());
                    }
                }
            }
            item => visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if names.len() > 1 {
            self.import(&names);
        }
        visit::visit_path(self, path);
    }
}

/// Collects the paths that a `use` names, each with the name that it introduces.
fn flatten(tree: &UseTree, prefix: &mut Vec<String>, paths: &mut Vec<(Vec<String>, String)>) {
    let mut push = |prefix: &[String], last: String, name: String| {
        let path = if last == "self" { prefix.to_vec() } else { [prefix, &[last]].concat() };
        paths.push((path, name));
    };
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, paths);
            prefix.pop();
        }
        UseTree::Name(name) => push(prefix, name.ident.to_string(), name.ident.to_string()),
        UseTree::Rename(name) => push(prefix, name.ident.to_string(), name.rename.to_string()),
        UseTree::Glob(_) => push(prefix, "self".into(), "*".into()),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, prefix, paths)),
    }
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    // A module's own file is read before the files of its children.
    files.sort_by_key(|file| file.file_name().is_none_or(|name| name != "mod.rs"));
}

fn module_of(file: &Path) -> Module {
    let mut module: Module =
        file.with_extension("").iter().map(|name| name.to_str().unwrap().to_owned()).collect();
    if module.last().is_some_and(|name| name == "mod" || name == "lib") {
        module.pop();
    }
    module
}

fn source() -> Source {
    Source::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

#[test]
fn imports_point_downwards() {
    let source = source();
    let rank = |module: &Module| {
        let top = module.first().unwrap();
        ORDER.iter().position(|name| name == top).unwrap_or_else(|| panic!("ORDER does not name {top}"))
    };
    for module in &source.children[&Module::new()] {
        assert!(ORDER.contains(&module.as_str()), "ORDER does not name {module}");
    }
    let upwards: Vec<_> = source.edges().into_iter().filter(|(from, to)| rank(to) < rank(from)).collect();
    assert!(upwards.is_empty(), "{upwards:#?}");
}

/// No two modules of a folder import each other, directly or through others. Each module counts
/// with all that it contains.
#[test]
fn no_two_modules_import_each_other() {
    let mut levels: BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (from, to) in source().edges() {
        let common = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
        if let (Some(one), Some(other)) = (from.get(common), to.get(common)) {
            let level = levels.entry(from[..common].to_vec()).or_default();
            level.entry(one.clone()).or_default().insert(other.clone());
        }
    }
    let circles: Vec<_> = levels.iter().filter_map(|(level, edges)| Some((level, circle(edges)?))).collect();
    assert!(circles.is_empty(), "{circles:#?}");
}

/// Returns the modules that remain after repeated removal of those that import no other one, and of
/// those that no other one imports.
fn circle(edges: &BTreeMap<String, BTreeSet<String>>) -> Option<BTreeMap<String, BTreeSet<String>>> {
    let mut left = edges.clone();
    loop {
        let before = left.len();
        let importing: BTreeSet<_> = left.keys().cloned().collect();
        for targets in left.values_mut() {
            targets.retain(|target| importing.contains(target));
        }
        let imported: BTreeSet<_> = left.values().flatten().cloned().collect();
        left.retain(|name, targets| !targets.is_empty() && imported.contains(name));
        if left.len() == before {
            return (!left.is_empty()).then_some(left);
        }
    }
}

/// CONTRIBUTING.md has the tested order.
#[test]
fn contributing_gives_the_same_order() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("CONTRIBUTING.md")).unwrap();
    let (_, house) = text.split_once("## The house").unwrap();
    let named = house.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_digit()));
    let named = named.flat_map(|line| line.split('`').skip(1).step_by(2));
    assert_eq!(without_endings(named), ORDER);
}

/// The picture of the house has the tested order.
#[test]
fn the_picture_shows_the_same_order() {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures/house.svg")).unwrap();
    let shown = text.lines().filter(|line| line.contains("class=\"code\""));
    let shown = shown.flat_map(|line| line.split(['>', '<']).nth(2).unwrap().split(", "));
    assert_eq!(without_endings(shown), ORDER);
}

fn without_endings<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    names.map(|name| name.trim_end_matches('/').trim_end_matches(".rs")).collect()
}
