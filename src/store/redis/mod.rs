//! Tokens, one-time credentials and attempt budgets in Redis or Valkey.
