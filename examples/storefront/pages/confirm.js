// The page behind a mailed link: it confirms the address of a new account, or another address of one.

import { attempt, byId, graphql, onSubmit, say, show } from "/assets/common.js";
import { withProof } from "/assets/challenge.js";

const FORM = "customer_create";
const RESEND_FORM = "resend_confirmation_email";

const run = (action) => attempt(action, () => {});

// A new account is confirmed with its password: otherwise its owner could be led to confirm the account, and so the
// password, of a stranger who registered with the owner's address. A change of the address was asked for with the
// password, so here it is not asked for again.
function open(kind, key) {
  const ofAccount = kind === "account";
  byId("hint").textContent = ofAccount
    ? "Your account opens with the password that you registered with. If you did not register, close this page."
    : "Enter the new address. You are signed out everywhere, and sign in with it from then on.";
  byId("of-account").hidden = !ofAccount;
  byId("confirm-password").disabled = !ofAccount;
  byId("resend").hidden = !ofAccount;
  byId("confirm-key").value = key;
  show("confirm");
}

onSubmit(byId("confirm-form"), (form) => run(async () => {
  const email = form.get("email");
  // Without a password, the form has none, and neither has the request.
  const input = { email, confirmation_key: form.get("key").trim(), password: form.get("password") };
  await withProof(FORM, email, (proof) => graphql(
    "mutation ($input: ConfirmEmailInput!) { confirmEmail(input: $input) { customer { email } } }",
    { input },
    null,
    proof,
  ));
  byId("confirm-form").reset();
  show("confirmed");
}));

byId("resend").addEventListener("click", () => run(async () => {
  const field = byId("confirm-email");
  if (!field.reportValidity()) return;
  const email = field.value;
  const query = "mutation ($email: String!) { resendConfirmationEmail(email: $email) }";
  await withProof(RESEND_FORM, email, (proof) => graphql(query, { email }, null, proof));
  // The same words whether there is such an account or not.
  say("If an account waits for this e-mail address to be confirmed, a link is on its way to it.");
}));

// The mailed link carries the key in the fragment, which no server sees; it leaves the address bar and the history at
// once.
function followLink() {
  const [kind, key] = [...new URLSearchParams(location.hash.slice(1))][0] ?? ["account", ""];
  if (key) history.replaceState(null, "", location.pathname);
  open(kind, key);
}

addEventListener("hashchange", followLink);
followLink();
