//! The SQL statements with which the store reads and changes its tables. When the store opens a
//! connection, it prepares all statements that this connection runs later.

/// Declares an enum of SQL statements. In their text, `{schema}` stands for the name of the
/// database schema.
macro_rules! statements {
    ($(#[$doc:meta])* $name:ident { $($statement:ident => $sql:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(super) enum $name {
            $($statement,)*
        }

        impl $name {
            const SQL: &[&str] = &[$($sql,)*];

            /// Returns the text of all statements, for a database schema, in the order of the enum.
            pub(super) fn all(schema: &str) -> Vec<String> {
                Self::SQL.iter().map(|sql| sql.replace("{schema}", schema)).collect()
            }
        }

        impl From<$name> for usize {
            fn from(statement: $name) -> Self {
                statement as Self
            }
        }
    };
}

/// Builds the statement that selects live grants. `$more` adds columns, and `$condition` selects
/// the grants. The second parameter of the statement is the current time.
macro_rules! live_grants {
    ($more:literal, $condition:literal) => {
        concat!(
            "SELECT digest, subject_kind, subject_id, website, obtained, actor, parent, reason, issued_at, expires_at",
            $more,
            " FROM \"{schema}\".grants JOIN \"{schema}\".epoch USING (shop_generation) WHERE ",
            $condition,
            " AND expires_at > $2",
        )
    };
}

/// Builds the statement that selects audit records. The types `uuid` and `json` are converted to
/// text, because the driver is built without support for them.
macro_rules! records {
    ($which:literal) => {
        concat!(
            "SELECT position, event::text, personal::text, key_id, link, erased, id::text, at, action, outcome, why, \
             subject_kind, subject_id, actor, account FROM \"{schema}\".audit_events ",
            $which,
        )
    };
}

statements! {
    /// The statements that never wait for a lock. Some of them contain a subquery with `LIMIT 1`.
    /// It prevents a query plan in which the server reads a whole partition for a join.
    Query {
        Generation =>
            "SELECT (SELECT generation FROM \"{schema}\".subjects WHERE kind = $1 AND id = $2), \
             (SELECT shop_generation FROM \"{schema}\".epoch)",
        Find => live_grants!("", "digest = $1"),
        Grants => concat!(
            live_grants!(", source, user_agent, correlation_id", "subject_id = $1 AND subject_kind = $3"),
            " ORDER BY issued_at DESC, digest DESC LIMIT $4"
        ),
        CustomerByEmail => "SELECT * FROM \"{schema}\".customers WHERE website = $1 AND canonical_email = $2",
        CustomerById => "SELECT * FROM \"{schema}\".customers WHERE id = $1",
        AdminByUsername => "SELECT * FROM \"{schema}\".admins WHERE canonical_username = $1",
        AdminById => "SELECT * FROM \"{schema}\".admins WHERE id = $1",
        LoadDocuments =>
            "SELECT document.version, document.bytes FROM unnest($2::text[], $3::bytea[]) WITH ORDINALITY \
             AS wanted (kind, id, place) LEFT JOIN LATERAL (SELECT version, bytes FROM \"{schema}\".documents \
             WHERE partition = $1 AND kind = wanted.kind AND id = wanted.id LIMIT 1) AS document ON true ORDER BY place",
        ListDocuments =>
            "SELECT rank, entry.partition, entry.kind, entry.id, document.version, document.bytes \
             FROM \"{schema}\".entries AS entry JOIN LATERAL (SELECT version, bytes FROM \"{schema}\".documents \
             WHERE partition = entry.partition AND kind = entry.kind AND id = entry.id LIMIT 1) AS document ON true \
             WHERE scope = $1 AND name = $2 AND (rank, entry.partition, entry.kind, entry.id) > ($3, $4, $5, $6) \
             ORDER BY rank, entry.partition, entry.kind, entry.id LIMIT $7",
        AuditNewest => records!("ORDER BY position DESC LIMIT $1"),
        AuditNewestSigned => records!("WHERE link IS NOT NULL ORDER BY position DESC LIMIT 2"),
        AuditRecords => records!("WHERE position >= $1 ORDER BY position LIMIT $2"),
        AuditOfSubject =>
            records!(
                "WHERE subject_kind = $1 AND subject_id = $2 AND personal IS NOT NULL AND position > $3 \
                 ORDER BY position LIMIT $4"
            ),
        AuditOfAccounts =>
            records!(
                "WHERE subject_id IS NULL AND account IS NOT NULL AND account = ANY (ARRAY(\
                 SELECT account FROM \"{schema}\".audit_events WHERE subject_kind = $1 AND subject_id = $2)) \
                 AND personal IS NOT NULL AND position > $3 ORDER BY position LIMIT $4"
            ),
    }
}

statements! {
    /// The statements that may wait for a lock.
    Command {
        Insert =>
            "SELECT \"{schema}\".insert_grant($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        Revoke => "SELECT \"{schema}\".revoke_grant($1, $2, $3)",
        RevokeAll => "SELECT \"{schema}\".revoke_all($1, $2, $3, $4)",
        BeginShop => "INSERT INTO \"{schema}\".epoch VALUES (1, $1) ON CONFLICT DO NOTHING",
        RevokeEverything =>
            "INSERT INTO \"{schema}\".epoch VALUES (1, $1) \
             ON CONFLICT (one) DO UPDATE SET shop_generation = excluded.shop_generation",
        PurgeTokens => "SELECT \"{schema}\".purge_tokens($1, $2)",
        CommitDocuments =>
            "SELECT * FROM \"{schema}\".commit_documents($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        SweepDocuments => "SELECT \"{schema}\".sweep_documents($1, $2)",
        AppendRecords =>
            "SELECT * FROM \"{schema}\".append_records($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        EraseRecords => "SELECT \"{schema}\".erase_records($1, $2)",
        PruneRecords =>
            "WITH pruned AS (DELETE FROM \"{schema}\".audit_events WHERE position < $1 AND EXISTS \
             (SELECT FROM \"{schema}\".audit_events WHERE position = $1 AND link = $2) RETURNING 1) \
             SELECT count(*) FROM pruned",
        PutCustomer =>
            "INSERT INTO \"{schema}\".customers VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET \
             website = excluded.website, canonical_email = excluded.canonical_email, email = excluded.email, \
             password_hash = excluded.password_hash, status = excluded.status, \
             allows_assistance = excluded.allows_assistance",
        RemoveCustomer => "DELETE FROM \"{schema}\".customers WHERE id = $1 RETURNING true",
        ReplaceCustomersHash =>
            "UPDATE \"{schema}\".customers SET password_hash = $3 \
             WHERE id = $1 AND password_hash IS NOT DISTINCT FROM $2 RETURNING true",
        ConfirmCustomer =>
            "UPDATE \"{schema}\".customers SET status = 'active' \
             WHERE id = $1 AND email = $2 AND status = 'unconfirmed' RETURNING true",
        ReplaceCustomersEmail =>
            "UPDATE \"{schema}\".customers SET email = $3, canonical_email = $3 \
             WHERE id = $1 AND email = $2 RETURNING true",
        SetAssistance => "UPDATE \"{schema}\".customers SET allows_assistance = $2 WHERE id = $1 RETURNING true",
        PutAdmin =>
            "INSERT INTO \"{schema}\".admins VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET \
             canonical_username = excluded.canonical_username, username = excluded.username, \
             password_hash = excluded.password_hash, status = excluded.status, permissions = excluded.permissions, \
             requires_second_factor = excluded.requires_second_factor",
        RemoveAdmin => "DELETE FROM \"{schema}\".admins WHERE id = $1 RETURNING true",
        ReplaceAdminsHash =>
            "UPDATE \"{schema}\".admins SET password_hash = $3 \
             WHERE id = $1 AND password_hash IS NOT DISTINCT FROM $2 RETURNING true",
    }
}
