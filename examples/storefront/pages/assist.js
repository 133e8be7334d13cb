// The page between: an admin user's one-time code becomes a token at a click, never by merely opening the page.

import { attempt, byId, graphql, onSubmit } from "/assets/common.js";

onSubmit(byId("assist-form"), (form) => attempt(async () => {
  const { exchangeOtpForCustomerToken } = await graphql(
    "mutation ($email: String!, $otp: String!) { exchangeOtpForCustomerToken(email: $email, otp: $otp) { token } }",
    { email: form.get("email"), otp: form.get("otp") },
  );
  sessionStorage.setItem("customer_token", exchangeOtpForCustomerToken.token);
  location.replace("/");
}));
