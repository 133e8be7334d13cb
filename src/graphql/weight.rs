use std::{borrow::Cow, collections::HashMap};

use async_graphql::{
    Name, Positioned, Value as ConstValue, Variables,
    parser::types::{Directive, ExecutableDocument, FragmentDefinition, Selection, SelectionSet},
};
use async_graphql_value::Value;

use super::page::LISTS;

/// The amounts of work that a document asks for. A fragment counts as often as it is spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weight {
    /// Number of fields, inline fragments, spreads and arguments, in all operations and in
    /// fragments that are never spread.
    pub(super) selections: usize,
    /// Largest number of arguments of one field or directive.
    pub(super) widest: usize,
    /// Number of fields that take a credential or send a mail, in the operation with the most such
    /// fields.
    pub(super) costly: usize,
    /// Number of the crate's own lists (`customerTokens`, `customerAssistance`), in the operation
    /// with the most lists.
    pub(super) own_lists: usize,
    /// Number of fields, inline fragments, spreads and arguments of and in the crate's own lists,
    /// in the operation with the most of them.
    pub(super) listed: usize,
    /// Length of all arguments, in bytes. For a variable, the length of its value counts.
    pub(super) arguments: usize,
    /// Number of fields `__schema` and `__type`.
    pub(super) introspections: usize,
    /// Depth of introspection lists that are nested in each other below `__schema` or `__type`.
    pub(super) introspected: usize,
    /// True if a selection set below `__schema` or `__type` has a field twice.
    pub(super) introspects_twice: bool,
    /// Depth of selection sets that are nested in each other.
    height: usize,
    /// Depth of introspection lists that are nested in each other. A field counts by its name, also
    /// outside of `__schema` and `__type`.
    lists: usize,
    /// True if a selection set has an introspection field twice. A field counts by its name, also
    /// outside of `__schema` and `__type`.
    asks_twice: bool,
    /// The introspection fields that this selection set has. Each bit stands for one field of
    /// [`FIELDS`].
    fields: u64,
    /// Number of the fields `__typename` that this selection set has.
    typenames: usize,
}

impl Weight {
    fn add(&mut self, other: Self) {
        self.selections = self.selections.saturating_add(other.selections);
        self.costly = self.costly.saturating_add(other.costly);
        self.own_lists = self.own_lists.saturating_add(other.own_lists);
        self.listed = self.listed.saturating_add(other.listed);
        self.arguments = self.arguments.saturating_add(other.arguments);
        self.introspections = self.introspections.saturating_add(other.introspections);
        self.introspected = self.introspected.max(other.introspected);
        self.height = self.height.max(other.height);
        self.lists = self.lists.max(other.lists);
        self.widest = self.widest.max(other.widest);
        self.introspects_twice |= other.introspects_twice;
        self.typenames = self.typenames.saturating_add(other.typenames);
        self.asks_twice |= other.asks_twice;
        self.asks_twice |= self.fields & other.fields != 0 || self.typenames > MAX_TYPENAMES;
        self.fields |= other.fields;
    }
}

/// All introspection fields except `__typename`.
const FIELDS: [&str; 23] = [
    "args",
    "defaultValue",
    "deprecationReason",
    "description",
    "directives",
    "enumValues",
    "fields",
    "inputFields",
    "interfaces",
    "isDeprecated",
    "isOneOf",
    "isRepeatable",
    "kind",
    "locations",
    "mutationType",
    "name",
    "ofType",
    "possibleTypes",
    "queryType",
    "specifiedByURL",
    "subscriptionType",
    "type",
    "types",
];
/// Maximum number of `__typename` fields in one selection set. Clients such as Apollo's add one
/// `__typename` to a selection set, and one to each fragment that is spread in the set.
const MAX_TYPENAMES: usize = 4;

/// The error for a document whose selection sets are nested too deeply. The selection sets of
/// fragments count, too.
#[derive(Debug)]
pub(super) struct TooDeep;

/// Maximum nesting of selection sets. The nesting within fragments counts.
pub(super) const MAX_HEIGHT: usize = 64;

/// Computes the [`Weight`] of a document. The weight of each fragment is computed only once, even
/// if the fragment is spread many times.
pub(super) struct Scales<'a> {
    costly_fields: &'a [Cow<'static, str>],
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    /// The length of each variable's value, in bytes.
    variables: HashMap<&'a str, usize>,
    /// The weight of each fragment. The entry is `None` while the weight is being computed. If a
    /// fragment spreads itself, the inner spread weighs nothing. This is safe, because the schema
    /// refuses such a document.
    weighed: HashMap<&'a str, Option<Weight>>,
}

impl<'a> Scales<'a> {
    /// Computes the weight of a document with the variables of its request.
    pub(super) fn weigh(
        document: &'a ExecutableDocument,
        variables: &'a Variables,
        costly_fields: &'a [Cow<'static, str>],
    ) -> Result<Weight, TooDeep> {
        let mut scales = Self {
            costly_fields,
            fragments: &document.fragments,
            variables: lengths(document, variables),
            weighed: HashMap::new(),
        };
        let (mut whole, mut most) = (Weight::default(), Weight::default());
        for (_, operation) in document.operations.iter() {
            let operation = &operation.node;
            let mut weight = scales.set(&operation.selection_set.node, MAX_HEIGHT)?;
            scales.add_directives(&mut weight, &operation.directives);
            most.costly = most.costly.max(weight.costly);
            most.own_lists = most.own_lists.max(weight.own_lists);
            most.listed = most.listed.max(weight.listed);
            whole.add(weight);
        }
        for name in document.fragments.keys() {
            if !scales.weighed.contains_key(name.as_str()) {
                whole.add(scales.fragment(name, MAX_HEIGHT)?);
            }
        }
        let Weight { costly, own_lists, listed, .. } = most;
        Ok(Weight { costly, own_lists, listed, ..whole })
    }

    fn set(&mut self, set: &'a SelectionSet, height: usize) -> Result<Weight, TooDeep> {
        let mut whole = Weight::default();
        if set.items.is_empty() {
            return Ok(whole);
        }
        let height = height.checked_sub(1).ok_or(TooDeep)?;
        for selection in &set.items {
            let mut weight = match &selection.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let mut weight = self.set(&field.selection_set.node, height)?;
                    let name = field.name.node.as_str();
                    weight.costly = weight.costly.saturating_add(usize::from(self.is_costly(name)));
                    match name {
                        "types" | "fields" | "interfaces" | "possibleTypes" | "inputFields" => {
                            weight.lists += 1;
                        }
                        "__schema" | "__type" => {
                            weight.introspections = weight.introspections.saturating_add(1);
                            weight.introspected = weight.introspected.max(weight.lists);
                            weight.introspects_twice |= weight.asks_twice;
                        }
                        _ => {}
                    }
                    weight.fields = FIELDS.iter().position(|field| *field == name).map_or(0, |bit| 1 << bit);
                    weight.typenames = usize::from(name == "__typename");
                    self.add_arguments(&mut weight, &field.arguments);
                    if LISTS.contains(&name) {
                        weight.own_lists = weight.own_lists.saturating_add(1);
                        weight.listed = weight.selections.saturating_add(1);
                    }
                    weight
                }
                Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set.node, height)?,
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node, height)?
                }
            };
            weight.selections = weight.selections.saturating_add(1);
            self.add_directives(&mut weight, selection.node.directives());
            whole.add(weight);
        }
        whole.height += 1;
        Ok(whole)
    }

    fn fragment(&mut self, name: &'a str, height: usize) -> Result<Weight, TooDeep> {
        if let Some(weighed) = self.weighed.get(name) {
            let weight = weighed.unwrap_or_default();
            return if weight.height > height { Err(TooDeep) } else { Ok(weight) };
        }
        self.weighed.insert(name, None);
        let mut weight = Weight::default();
        if let Some(fragment) = self.fragments.get(name) {
            weight = self.set(&fragment.node.selection_set.node, height)?;
            self.add_directives(&mut weight, &fragment.node.directives);
        }
        self.weighed.insert(name, Some(weight));
        Ok(weight)
    }

    fn is_costly(&self, field: &str) -> bool {
        self.costly_fields.iter().any(|name| name == field)
    }

    fn add_directives(&self, weight: &mut Weight, directives: &[Positioned<Directive>]) {
        for directive in directives {
            self.add_arguments(weight, &directive.node.arguments);
        }
    }

    /// Adds the arguments of a field or a directive.
    fn add_arguments(&self, weight: &mut Weight, arguments: &[(Positioned<Name>, Positioned<Value>)]) {
        weight.selections = weight.selections.saturating_add(arguments.len());
        weight.widest = weight.widest.max(arguments.len());
        let lengths = arguments.iter().map(|(_, value)| self.length(&value.node));
        weight.arguments = lengths.fold(weight.arguments, usize::saturating_add);
    }

    /// Returns the length of a value, in bytes. For a variable, this is the length of the
    /// variable's value.
    fn length(&self, value: &Value) -> usize {
        let inside = match value {
            Value::Variable(name) => self.variables.get(name.as_str()).copied().unwrap_or_default(),
            Value::String(text) => text.len(),
            Value::Enum(name) => name.len(),
            Value::Binary(bytes) => bytes.len(),
            Value::List(list) => list.iter().map(|value| self.length(value)).fold(0, usize::saturating_add),
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| self.length(value).saturating_add(name.len()));
                fields.fold(0, usize::saturating_add)
            }
            Value::Null | Value::Number(_) | Value::Boolean(_) => 0,
        };
        inside.saturating_add(1)
    }
}

/// Returns the length of each variable's value, in bytes. If the variable also has a default value,
/// the longer of the two values counts.
fn lengths<'a>(document: &'a ExecutableDocument, variables: &'a Variables) -> HashMap<&'a str, usize> {
    let mut lengths: HashMap<&str, usize> =
        variables.iter().map(|(name, value)| (name.as_str(), length(value))).collect();
    let definitions =
        document.operations.iter().flat_map(|(_, operation)| &operation.node.variable_definitions);
    for definition in definitions {
        if let Some(default) = &definition.node.default_value {
            let longest = lengths.entry(&definition.node.name.node).or_default();
            *longest = (*longest).max(length(&default.node));
        }
    }
    lengths
}

/// Returns the length of all variables together, in bytes. The names of the variables count, too.
pub(super) fn length_of(variables: &Variables) -> usize {
    variables
        .iter()
        .map(|(name, value)| length(value).saturating_add(name.len()))
        .fold(0, usize::saturating_add)
}

/// Returns the length of a value, in bytes: one byte for each part of the value, plus the lengths
/// of its texts and field names.
fn length(value: &ConstValue) -> usize {
    let inside = match value {
        ConstValue::String(text) => text.len(),
        ConstValue::Enum(name) => name.len(),
        ConstValue::Binary(bytes) => bytes.len(),
        ConstValue::List(list) => list.iter().map(length).fold(0, usize::saturating_add),
        ConstValue::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| length(value).saturating_add(name.len()));
            fields.fold(0, usize::saturating_add)
        }
        ConstValue::Null | ConstValue::Number(_) | ConstValue::Boolean(_) => 0,
    };
    inside.saturating_add(1)
}
