use async_graphql::SimpleObject;

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
    /// In Commerce an enumeration of the world's countries; whoever reads it sees no difference.
    country_code: Option<String>,
    telephone: Option<String>,
    fax: Option<String>,
    vat_id: Option<String>,
    default_shipping: Option<bool>,
    default_billing: Option<bool>,
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
            country_code: Some(address.country_code),
            telephone: Some(address.telephone),
            fax: address.fax,
            vat_id: address.vat_id,
            default_shipping: Some(address.default_shipping),
            default_billing: Some(address.default_billing),
        }
    }
}
