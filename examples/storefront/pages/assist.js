// The page between: an admin user's one-time code becomes a token at a click, never by merely opening the page.

import { attempt, byId, graphql, onSubmit } from "/assets/common.js";
import { withProof } from "/assets/challenge.js";

onSubmit(byId("assist-form"), (form) => attempt(async () => {
  const email = form.get("email");
  const { exchangeOtpForCustomerToken } = await withProof("customer_login", email, (proof) => graphql(
    "mutation ($email: String!, $otp: String!) { exchangeOtpForCustomerToken(email: $email, otp: $otp) { token } }",
    { email, otp: form.get("otp") },
    null,
    proof,
  ));
  sessionStorage.setItem("customer_token", exchangeOtpForCustomerToken.token);
  location.replace("/");
}));
