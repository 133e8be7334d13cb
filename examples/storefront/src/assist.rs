//! Where the admin page hands over a one-time code.

use axum::{
    Form,
    extract::rejection::FormRejection,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use html_escape::encode_double_quoted_attribute;
use serde::Deserialize;

use crate::pages::html;

/// By a POST's body: a URL stays in histories and logs.
#[derive(Deserialize)]
pub(crate) struct Handover {
    email: String,
    otp: String,
}

/// Shows whom the code is for. It is redeemed by a click there and not here: another site's form would sign its visitor
/// in as somebody of its choice. For the same reason only the shop's own pages may send the form.
pub(crate) async fn assist(headers: HeaderMap, form: Result<Form<Handover>, FormRejection>) -> Response {
    if !is_own_page(&headers) {
        return (StatusCode::FORBIDDEN, "This form is the admin page's alone.").into_response();
    }
    match form {
        Ok(Form(handover)) => html(handover.page()).into_response(),
        // Without its text, which repeats the input.
        Err(rejection) => (rejection.status(), "The form is not complete.").into_response(),
    }
}

impl Handover {
    /// The page with both values in its places. Both are escaped, so that neither becomes a part of the page, even if
    /// it holds the name of the other's place.
    fn page(&self) -> String {
        include_str!("../pages/assist.html")
            .replace("{{ email }}", &encode_double_quoted_attribute(&self.email))
            .replace("{{ otp }}", &encode_double_quoted_attribute(&self.otp))
    }
}

/// True if the request's `Origin`, which browsers add to every POST, is the host that it was sent to.
fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://"));
    matches!((origin, text(header::HOST)), (Some((_, origin)), Some(host)) if origin == host)
}
