use time::{Date, OffsetDateTime, macros::format_description};

use super::Profile;

/// Commerce's bound on names, in characters.
const MAX_LENGTH: usize = 255;

/// Changes to a profile as a client sends them. A field that is `None` stays as it is.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) date_of_birth: Option<String>,
    pub(crate) firstname: Option<String>,
    pub(crate) gender: Option<i32>,
    pub(crate) is_subscribed: Option<bool>,
    pub(crate) lastname: Option<String>,
    pub(crate) middlename: Option<String>,
    pub(crate) prefix: Option<String>,
    pub(crate) suffix: Option<String>,
    pub(crate) taxvat: Option<String>,
}

/// Changes to a profile that were checked.
#[derive(Clone)]
pub(crate) struct Details {
    draft: Draft,
    date_of_birth: Option<Date>,
}

/// Why a draft is refused, by Commerce's label of the field and in Commerce's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidDetail {
    #[error("\"{0}\" is a required value.")]
    Missing(&'static str),
    #[error("\"{0}\" is not a valid value.")]
    NotValid(&'static str),
    #[error("\"{0}\" is not a valid date.")]
    NoDate(&'static str),
    #[error("\"{0}\" length must be equal or less than {MAX_LENGTH} characters.")]
    TooLong(&'static str),
}

impl Draft {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Checks the changes.
    pub(crate) fn check(self) -> Result<Details, InvalidDetail> {
        let names = [("First Name", &self.firstname), ("Last Name", &self.lastname)];
        let texts = [
            ("Middle Name/Initial", &self.middlename),
            ("Name Prefix", &self.prefix),
            ("Name Suffix", &self.suffix),
            ("Tax/VAT Number", &self.taxvat),
        ];
        for (label, name) in names {
            if name.as_ref().is_some_and(|name| name.trim().is_empty()) {
                return Err(InvalidDetail::Missing(label));
            }
        }
        for (label, text) in names.into_iter().chain(texts) {
            text.as_ref().map_or(Ok(()), |text| check_text(label, text))?;
        }
        if self.gender.is_some_and(|gender| !(1..=3).contains(&gender)) {
            return Err(InvalidDetail::NotValid("Gender"));
        }
        let date_of_birth = self.date_of_birth.as_deref().map(date_of_birth).transpose()?;
        Ok(Details { draft: self, date_of_birth })
    }

    /// Checks the details of a new customer, who has a first name and a last name.
    pub(crate) fn into_profile(mut self, created_at: OffsetDateTime) -> Result<Profile, InvalidDetail> {
        self.firstname.get_or_insert_default();
        self.lastname.get_or_insert_default();
        let mut profile = Profile::named("", "", created_at);
        self.check()?.write_to(&mut profile);
        Ok(profile)
    }
}

impl Details {
    pub(super) fn write_to(self, profile: &mut Profile) {
        let Self { draft, date_of_birth } = self;
        set(&mut profile.firstname, draft.firstname);
        set(&mut profile.lastname, draft.lastname);
        set(&mut profile.is_subscribed, draft.is_subscribed);
        set_optional(&mut profile.date_of_birth, date_of_birth);
        set_optional(&mut profile.gender, draft.gender);
        set_optional(&mut profile.middlename, draft.middlename);
        set_optional(&mut profile.prefix, draft.prefix);
        set_optional(&mut profile.suffix, draft.suffix);
        set_optional(&mut profile.taxvat, draft.taxvat);
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

fn check_text(label: &'static str, text: &str) -> Result<(), InvalidDetail> {
    // No name has one, and PostgreSQL stores no NUL.
    if text.chars().any(char::is_control) {
        return Err(InvalidDetail::NotValid(label));
    }
    if text.chars().count() <= MAX_LENGTH { Ok(()) } else { Err(InvalidDetail::TooLong(label)) }
}

/// Reads a date as Commerce does, which takes ISO 8601 and, in its default locale, `month/day/year`.
fn date_of_birth(text: &str) -> Result<Date, InvalidDetail> {
    let iso = format_description!("[year]-[month]-[day]");
    let american = format_description!("[month padding:none]/[day padding:none]/[year]");
    Date::parse(text, iso)
        .or_else(|_| Date::parse(text, american))
        .map_err(|_| InvalidDetail::NoDate("Date of Birth"))
}
