use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, SimpleObject, Value};

use crate::accounts;

/// Where a customer has things sent to, or who pays for them.
#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub(super) struct CustomerAddress {
    id: Option<i32>,
    firstname: Option<String>,
    lastname: Option<String>,
    prefix: Option<String>,
    middlename: Option<String>,
    suffix: Option<String>,
    company: Option<String>,
    street: Option<Vec<Option<String>>>,
    city: Option<String>,
    region: Option<CustomerAddressRegion>,
    region_id: Option<i32>,
    postcode: Option<String>,
    country_code: Option<CountryCode>,
    #[graphql(deprecation = "Use `country_code` instead.")]
    country_id: Option<String>,
    telephone: Option<String>,
    fax: Option<String>,
    vat_id: Option<String>,
    default_shipping: Option<bool>,
    default_billing: Option<bool>,
    /// None in this shop.
    #[graphql(deprecation = "Use custom_attributesV2 instead.")]
    custom_attributes: Option<Vec<Option<CustomerAddressAttribute>>>,
    /// None in this shop.
    extension_attributes: Option<Vec<Option<CustomerAddressAttribute>>>,
}

/// The attributes that a Commerce shop has added to its addresses.
#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
struct CustomerAddressAttribute {
    attribute_code: Option<String>,
    value: Option<String>,
}

/// The code of a country (ISO 3166-1 alpha-2).
struct CountryCode(String);

/// In Commerce an enumeration of the world's countries. A client that reads it sees no difference.
#[Scalar(name = "CountryCodeEnum")]
impl ScalarType for CountryCode {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(code) => Ok(Self(code)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// A state or province.
#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
struct CustomerAddressRegion {
    region: Option<String>,
    region_code: Option<String>,
    region_id: Option<i32>,
}

impl From<accounts::Address> for CustomerAddress {
    fn from(address: accounts::Address) -> Self {
        let accounts::Region { region, region_code, region_id } = address.region;
        let (region, region_code) = (Some(region), Some(region_code));
        Self {
            id: Some(address.id),
            firstname: Some(address.firstname),
            lastname: Some(address.lastname),
            prefix: address.prefix,
            middlename: address.middlename,
            suffix: address.suffix,
            company: address.company,
            street: Some(address.street.into_iter().map(Some).collect()),
            city: Some(address.city),
            region: Some(CustomerAddressRegion { region, region_code, region_id }),
            region_id,
            postcode: Some(address.postcode),
            country_id: Some(address.country_code.clone()),
            country_code: Some(CountryCode(address.country_code)),
            telephone: Some(address.telephone),
            fax: address.fax,
            vat_id: address.vat_id,
            default_shipping: Some(address.default_shipping),
            default_billing: Some(address.default_billing),
            custom_attributes: None,
            extension_attributes: None,
        }
    }
}
