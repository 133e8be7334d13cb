//! The signatures of the operations, as the server tells them, against those that are documented.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use async_graphql::parser::{
    Positioned, parse_schema,
    types::{FieldDefinition, InputValueDefinition, TypeKind, TypeSystemDefinition},
};
use serde_json::Value;

use crate::{data::folder, site::Site};

const INTROSPECTION: &str = "{ __schema { types { name kind enumValues(includeDeprecated: true) { name } \
    fields(includeDeprecated: true) { name isDeprecated type { ...named } args { ...argument } } \
    inputFields { ...argument } } } } \
    fragment argument on __InputValue { name defaultValue type { ...named } } \
    fragment named on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// The properties of an output or input field that a client relies on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    ty: String,
    is_deprecated: bool,
    arguments: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Type {
    Object(BTreeMap<String, Field>),
    /// The types of the fields that are sent.
    Input(BTreeMap<String, String>),
    Enum(Vec<String>),
}

type Schema = BTreeMap<String, Type>;

fn documented() -> Schema {
    let text = fs::read_to_string(folder().join("schema.graphqls")).unwrap();
    let types = parse_schema(text).unwrap().definitions.into_iter().map(|definition| {
        let TypeSystemDefinition::Type(definition) = definition else { panic!("{definition:?}") };
        let kind = match definition.node.kind {
            TypeKind::Object(object) => Type::Object(object.fields.iter().map(documented_field).collect()),
            TypeKind::InputObject(input) => {
                Type::Input(input.fields.iter().map(documented_argument).collect())
            }
            TypeKind::Enum(words) => {
                Type::Enum(words.values.iter().map(|word| word.node.value.to_string()).collect())
            }
            kind => panic!("{kind:?}"),
        };
        (definition.node.name.to_string(), kind)
    });
    types.collect()
}

fn documented_field(field: &Positioned<FieldDefinition>) -> (String, Field) {
    let FieldDefinition { name, ty, arguments, directives, .. } = &field.node;
    let field = Field {
        ty: ty.to_string(),
        is_deprecated: directives.iter().any(|directive| directive.node.name.node == "deprecated"),
        arguments: arguments.iter().map(documented_argument).collect(),
    };
    (name.to_string(), field)
}

fn documented_argument(argument: &Positioned<InputValueDefinition>) -> (String, String) {
    (argument.node.name.to_string(), argument.node.ty.to_string())
}

fn served() -> Schema {
    let types = Site::demo().ask(None, INTROSPECTION).data("/__schema/types");
    types.as_array().unwrap().iter().filter_map(|ty| Some((text(&ty["name"]), served_type(ty)?))).collect()
}

fn served_type(ty: &Value) -> Option<Type> {
    Some(match ty["kind"].as_str().unwrap() {
        "OBJECT" => Type::Object(listed(&ty["fields"]).map(served_field).collect()),
        "INPUT_OBJECT" => Type::Input(listed(&ty["inputFields"]).map(served_argument).collect()),
        "ENUM" => Type::Enum(listed(&ty["enumValues"]).map(|word| text(&word["name"])).collect()),
        _ => return None,
    })
}

fn served_field(field: &Value) -> (String, Field) {
    let is_deprecated = field["isDeprecated"] == true;
    let arguments = listed(&field["args"]).map(served_argument).collect();
    (text(&field["name"]), Field { ty: type_name(&field["type"]), is_deprecated, arguments })
}

fn served_argument(argument: &Value) -> (String, String) {
    let ty = type_name(&argument["type"]);
    let default = argument["defaultValue"].as_str().map(|default| format!(" = {default}"));
    (text(&argument["name"]), ty + &default.unwrap_or_default())
}

fn listed(values: &Value) -> impl Iterator<Item = &Value> {
    values.as_array().unwrap().iter()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn type_name(ty: &Value) -> String {
    match ty["kind"].as_str().unwrap() {
        "NON_NULL" => format!("{}!", type_name(&ty["ofType"])),
        "LIST" => format!("[{}]", type_name(&ty["ofType"])),
        _ => text(&ty["name"]),
    }
}

/// The differences that a client would notice. The server may offer more than is documented, if no client
/// must send it.
fn differences(documented: &Schema, served: &Schema) -> Vec<String> {
    let mut differences = Vec::new();
    for (name, documented) in documented {
        match (documented, served.get(name)) {
            (Type::Object(documented), Some(Type::Object(served))) => {
                for (field, documented) in documented {
                    let at = format!("{name}.{field}");
                    match served.get(field) {
                        Some(served) => compare_fields(&at, documented, served, &mut differences),
                        None => differences.push(format!("{at} is missing")),
                    }
                }
            }
            (Type::Input(documented), Some(Type::Input(served))) => {
                compare_sent(name, documented, served, &mut differences);
            }
            (Type::Enum(documented), Some(Type::Enum(served))) => {
                // One more would be a word that no client knows.
                let sorted = |words: &[String]| words.iter().cloned().collect::<BTreeSet<_>>();
                if sorted(documented) != sorted(served) {
                    differences.push(format!("{name}: {documented:?} is documented, {served:?} is served"));
                }
            }
            (_, served) => differences.push(format!("{name} is served as {served:?}")),
        }
    }
    differences
}

fn compare_fields(at: &str, documented: &Field, served: &Field, differences: &mut Vec<String>) {
    if documented.ty != served.ty {
        differences.push(format!("{at}: {} is documented, {} is served", documented.ty, served.ty));
    }
    if documented.is_deprecated != served.is_deprecated {
        differences.push(format!("{at} is deprecated: {} is documented", documented.is_deprecated));
    }
    compare_sent(at, &documented.arguments, &served.arguments, differences);
}

fn compare_sent(
    at: &str,
    documented: &BTreeMap<String, String>,
    served: &BTreeMap<String, String>,
    differences: &mut Vec<String>,
) {
    for (name, documented) in documented {
        let served = served.get(name);
        if served != Some(documented) {
            differences.push(format!("{at}({name}): {documented} is documented, {served:?} is served"));
        }
    }
    for (name, ty) in served.iter().filter(|(name, _)| !documented.contains_key(*name)) {
        if ty.ends_with('!') {
            differences.push(format!("{at}({name}): {ty} is demanded, and not documented"));
        }
    }
}

#[test]
fn the_signatures_are_as_documented() {
    assert_eq!(differences(&documented(), &served()), Vec::<String>::new());
}

#[test]
fn each_difference_is_seen() {
    let documented = documented();
    assert_eq!(differences(&documented, &documented), Vec::<String>::new());
    let operations = |schema: &mut Schema, change: fn(&mut BTreeMap<String, Field>)| {
        let Some(Type::Object(operations)) = schema.get_mut("Mutation") else { panic!("no mutations") };
        change(operations);
    };
    let changes: [fn(&mut BTreeMap<String, Field>); 6] = [
        |operations| drop(operations.remove("resetPassword")),
        |operations| operations.get_mut("resetPassword").unwrap().ty.push('!'),
        |operations| operations.get_mut("resetPassword").unwrap().is_deprecated = true,
        |operations| drop(operations.get_mut("resetPassword").unwrap().arguments.remove("email")),
        |operations| {
            let arguments = &mut operations.get_mut("resetPassword").unwrap().arguments;
            arguments.insert("email".into(), "String".into());
        },
        |operations| {
            let arguments = &mut operations.get_mut("resetPassword").unwrap().arguments;
            arguments.insert("reason".into(), "String!".into());
        },
    ];
    for change in changes {
        let mut served = documented.clone();
        operations(&mut served, change);
        assert_eq!(differences(&documented, &served).len(), 1);
    }
    let mut served = documented.clone();
    operations(&mut served, |operations| {
        let arguments = &mut operations.get_mut("resetPassword").unwrap().arguments;
        arguments.insert("reason".into(), "String".into());
    });
    served.remove("CustomerOutput");
    assert_eq!(differences(&documented, &served), ["CustomerOutput is served as None"]);
}
