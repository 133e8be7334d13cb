use async_graphql::{InputObject, Result};
use commerce_auth::graphql::Category;
use time::{Date, OffsetDateTime, macros::format_description};

use crate::accounts::Profile;

/// Commerce's bound on names, in characters.
const MAX_LENGTH: usize = 255;

#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
pub(super) struct CustomerUpdateInput {
    /// The customer's consent to be assisted by the shop's staff. Nobody else gives it.
    pub(super) allow_remote_shopping_assistance: Option<bool>,
    /// As `YYYY-MM-DD`.
    date_of_birth: Option<String>,
    /// Older clients' name of it.
    dob: Option<String>,
    firstname: Option<String>,
    /// 1 is male, 2 is female, 3 is not specified.
    gender: Option<i32>,
    is_subscribed: Option<bool>,
    lastname: Option<String>,
    middlename: Option<String>,
    prefix: Option<String>,
    suffix: Option<String>,
    taxvat: Option<String>,
}

#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
pub(super) struct CustomerCreateInput {
    /// The customer's consent to be assisted by the shop's staff.
    pub(super) allow_remote_shopping_assistance: Option<bool>,
    /// As `YYYY-MM-DD`.
    date_of_birth: Option<String>,
    /// Older clients' name of it.
    dob: Option<String>,
    pub(super) email: String,
    firstname: String,
    /// 1 is male, 2 is female, 3 is not specified.
    gender: Option<i32>,
    is_subscribed: Option<bool>,
    lastname: String,
    middlename: Option<String>,
    /// Without one, the customer sets it by a reset mail.
    #[graphql(secret)]
    pub(super) password: Option<String>,
    prefix: Option<String>,
    suffix: Option<String>,
    taxvat: Option<String>,
}

/// What is to be written into a profile, checked. What is absent, or null, stays as it is.
#[derive(Clone)]
pub(super) struct Details {
    date_of_birth: Option<Date>,
    firstname: Option<String>,
    gender: Option<i32>,
    is_subscribed: Option<bool>,
    lastname: Option<String>,
    middlename: Option<String>,
    prefix: Option<String>,
    suffix: Option<String>,
    taxvat: Option<String>,
}

impl Details {
    pub(super) fn of_update(input: CustomerUpdateInput) -> Result<Self> {
        Ok(Self {
            date_of_birth: input.date_of_birth.or(input.dob).as_deref().map(date_of_birth).transpose()?,
            firstname: input.firstname.map(|name| required("First Name", name)).transpose()?,
            gender: input.gender.map(gender).transpose()?,
            is_subscribed: input.is_subscribed,
            lastname: input.lastname.map(|name| required("Last Name", name)).transpose()?,
            middlename: bounded("Middle Name/Initial", input.middlename)?,
            prefix: bounded("Name Prefix", input.prefix)?,
            suffix: bounded("Name Suffix", input.suffix)?,
            taxvat: bounded("Tax/VAT Number", input.taxvat)?,
        })
    }

    pub(super) fn write_to(self, profile: &mut Profile) {
        set(&mut profile.firstname, self.firstname);
        set(&mut profile.lastname, self.lastname);
        set(&mut profile.is_subscribed, self.is_subscribed);
        set_optional(&mut profile.date_of_birth, self.date_of_birth);
        set_optional(&mut profile.gender, self.gender);
        set_optional(&mut profile.middlename, self.middlename);
        set_optional(&mut profile.prefix, self.prefix);
        set_optional(&mut profile.suffix, self.suffix);
        set_optional(&mut profile.taxvat, self.taxvat);
    }
}

impl CustomerCreateInput {
    /// The profile of a new customer.
    pub(super) fn into_profile(self, created_at: OffsetDateTime) -> Result<Profile> {
        let mut profile = Profile::named(&self.firstname, &self.lastname, created_at);
        let details = Details::of_update(CustomerUpdateInput {
            allow_remote_shopping_assistance: None,
            date_of_birth: self.date_of_birth,
            dob: self.dob,
            firstname: Some(self.firstname),
            gender: self.gender,
            is_subscribed: self.is_subscribed,
            lastname: Some(self.lastname),
            middlename: self.middlename,
            prefix: self.prefix,
            suffix: self.suffix,
            taxvat: self.taxvat,
        })?;
        details.write_to(&mut profile);
        Ok(profile)
    }
}

impl CustomerUpdateInput {
    pub(super) fn is_empty(&self) -> bool {
        let Self { date_of_birth, dob, firstname, lastname, middlename, prefix, suffix, taxvat, .. } = self;
        let texts = [date_of_birth, dob, firstname, lastname, middlename, prefix, suffix, taxvat];
        texts.into_iter().all(Option::is_none)
            && self.allow_remote_shopping_assistance.is_none()
            && self.gender.is_none()
            && self.is_subscribed.is_none()
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn set_optional<T>(field: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *field = value;
    }
}

fn required(label: &str, name: String) -> Result<String> {
    if name.trim().is_empty() {
        return Err(Category::Input.error(format!("\"{label}\" is a required value.")));
    }
    check_text(label, &name)?;
    Ok(name)
}

fn bounded(label: &str, text: Option<String>) -> Result<Option<String>> {
    if let Some(text) = &text {
        check_text(label, text)?;
    }
    Ok(text)
}

fn check_text(label: &str, text: &str) -> Result<()> {
    // No name has one, and PostgreSQL stores no NUL.
    if text.chars().any(char::is_control) {
        return Err(Category::Input.error(format!("\"{label}\" is not a valid value.")));
    }
    if text.chars().count() <= MAX_LENGTH {
        return Ok(());
    }
    let message = format!("\"{label}\" length must be equal or less than {MAX_LENGTH} characters.");
    Err(Category::Input.error(message))
}

fn date_of_birth(text: &str) -> Result<Date> {
    Date::parse(text, format_description!("[year]-[month]-[day]"))
        .map_err(|_| Category::Input.error("\"Date of Birth\" is not a valid date."))
}

fn gender(gender: i32) -> Result<i32> {
    if (1..=3).contains(&gender) {
        Ok(gender)
    } else {
        Err(Category::Input.error("\"Gender\" is not a valid value."))
    }
}
