//! Users, sessions, tokens and the state of the first-start page, in the database.

use super::connect::Db;
use super::entity::{session, setup_state, token, user};
use super::row::only;
use crate::domain::access::{Role, Token, TokenScope, User, Username};
use crate::domain::ids::{TokenId, UserId};
use crate::domain::time::Timestamp;
use crate::ports::access_store::{
    AccessStore, AccessStoreError, NewToken, NewUser, SESSIONS_PER_USER_MAX, SessionRecord, SetupState, UserRecord,
};
use async_trait::async_trait;
use migration::{Migrator, MigratorTrait};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, QueryFilter, QueryOrder,
    QuerySelect, SqlErr,
};

/// The most tokens that are listed at once.
const TOKENS_LISTED_MAX: u64 = 500;
/// The single row of `setup_state`.
const SETUP_ROW: i32 = 1;

/// Keeps access data in SQLite or PostgreSQL.
#[derive(Clone, Debug)]
pub struct DbAccessStore {
    db: Db,
}

impl DbAccessStore {
    /// A store over an open, migrated database.
    pub const fn new(db: Db) -> Self {
        Self { db }
    }
}

#[async_trait]
impl AccessStore for DbAccessStore {
    async fn is_ready(&self) -> Result<(), AccessStoreError> {
        let attempt = "asking the database whether it is ready";
        let missing = Migrator::get_pending_migrations_read_only(&self.db.reader).await.map_err(failed(attempt))?;
        if missing.is_empty() {
            return Ok(());
        }
        Err(failed(attempt)(DbErr::Migration(format!("{} migrations are missing", missing.len()))))
    }

    async fn user_by_key(&self, username_key: &str) -> Result<Option<UserRecord>, AccessStoreError> {
        let attempt = "looking up a user";
        let row = user::Entity::find().filter(user::Column::UsernameKey.eq(username_key)).one(&self.db.reader).await;
        row.map_err(failed(attempt))?.map(user_record).transpose().map_err(failed(attempt))
    }

    async fn user(&self, id: UserId) -> Result<Option<UserRecord>, AccessStoreError> {
        let attempt = "looking up a user";
        let row = only(&self.db.reader, user::Entity::find_by_id(id.0)).await.map_err(failed(attempt))?;
        row.map(user_record).transpose().map_err(failed(attempt))
    }

    async fn create_user(&self, new: NewUser) -> Result<User, AccessStoreError> {
        let attempt = "creating a user";
        let tx = self.db.begin().await.map_err(failed(attempt))?;
        if new.role == Role::Admin {
            close_setup(&tx, new.at).await.map_err(failed(attempt))?;
        }
        let created = insert_user(&tx, new).await?;
        tx.commit().await.map_err(failed(attempt))?;
        Ok(created)
    }

    async fn create_first_admin(&self, new: NewUser) -> Result<Option<User>, AccessStoreError> {
        let attempt = "creating the first administrator";
        let tx = self.db.begin().await.map_err(failed(attempt))?;
        // The update decides who is first: of two requests at once only one finds the row still open.
        if !close_setup(&tx, new.at).await.map_err(failed(attempt))? {
            return Ok(None);
        }
        let created = insert_user(&tx, new).await?;
        tx.commit().await.map_err(failed(attempt))?;
        Ok(Some(created))
    }

    async fn set_password(
        &self,
        id: UserId,
        password_hash: &str,
        at: Timestamp,
        keep: Option<&str>,
    ) -> Result<u64, AccessStoreError> {
        let attempt = "setting a password";
        let tx = self.db.begin().await.map_err(failed(attempt))?;
        user::Entity::update_many()
            .col_expr(user::Column::PasswordHash, password_hash.into())
            .col_expr(user::Column::PasswordChangedAt, at.0.into())
            .filter(user::Column::Id.eq(id.0))
            .exec(&tx)
            .await
            .map_err(failed(attempt))?;
        let ended = delete_sessions(&tx, id, keep).await.map_err(failed(attempt))?;
        tx.commit().await.map_err(failed(attempt))?;
        Ok(ended)
    }

    async fn setup_state(&self) -> Result<SetupState, AccessStoreError> {
        let row = setup_state::Entity::find_by_id(SETUP_ROW).one(&self.db.reader).await;
        let row = row.map_err(failed("reading the state of the setup page"))?;
        Ok(row.map_or_else(SetupState::default, |row| SetupState {
            token_hash: row.token_hash,
            closed_at: row.closed_at.map(Timestamp),
        }))
    }

    async fn set_setup_token(&self, token_hash: &str) -> Result<(), AccessStoreError> {
        let update = setup_state::Entity::update_many()
            .col_expr(setup_state::Column::TokenHash, token_hash.into())
            .filter(setup_state::Column::Id.eq(SETUP_ROW));
        update.exec(&self.db.writer).await.map(|_| ()).map_err(failed("replacing the setup token"))
    }

    async fn session(&self, key_hash: &str, now: Timestamp) -> Result<Option<(SessionRecord, User)>, AccessStoreError> {
        let attempt = "looking up a session";
        // At most one, by its key; asked as `only` does and for its reason.
        let found = session::Entity::find_by_id(key_hash)
            .filter(session::Column::IdleExpiresAt.gt(now.0))
            .filter(session::Column::ExpiresAt.gt(now.0))
            .find_also_related(user::Entity)
            .all(&self.db.reader)
            .await
            .map_err(failed(attempt))?
            .pop();
        let Some((row, Some(owner))) = found else { return Ok(None) };
        let owner = user_record(owner).map_err(failed(attempt))?.user;
        Ok(Some((session_record(row), owner)))
    }

    async fn insert_session(&self, new: SessionRecord) -> Result<(), AccessStoreError> {
        let attempt = "keeping a session";
        let tx = self.db.begin().await.map_err(failed(attempt))?;
        let surplus: Vec<String> = session::Entity::find()
            .select_only()
            .column(session::Column::KeyHash)
            .filter(session::Column::UserId.eq(new.user_id.0))
            .order_by_desc(session::Column::SeenAt)
            .offset((SESSIONS_PER_USER_MAX - 1) as u64)
            .limit(SESSIONS_PER_USER_MAX as u64)
            .into_tuple()
            .all(&tx)
            .await
            .map_err(failed(attempt))?;
        if !surplus.is_empty() {
            let delete = session::Entity::delete_many().filter(session::Column::KeyHash.is_in(surplus));
            delete.exec(&tx).await.map_err(failed(attempt))?;
        }
        let row = session::ActiveModel {
            key_hash: Set(new.key_hash),
            user_id: Set(new.user_id.0),
            state: Set(new.state),
            agent: Set(new.agent),
            address: Set(new.address),
            created_at: Set(new.created_at.0),
            seen_at: Set(new.seen_at.0),
            idle_expires_at: Set(new.idle_expires_at.0),
            expires_at: Set(new.expires_at.0),
        };
        session::Entity::insert(row).exec_without_returning(&tx).await.map_err(failed(attempt))?;
        tx.commit().await.map_err(failed(attempt))
    }

    async fn update_session(&self, key_hash: &str, state: &str) -> Result<bool, AccessStoreError> {
        let update = session::Entity::update_many()
            .col_expr(session::Column::State, state.into())
            .filter(session::Column::KeyHash.eq(key_hash));
        let done = update.exec(&self.db.writer).await.map_err(failed("updating a session"))?;
        Ok(done.rows_affected > 0)
    }

    async fn touch_session(
        &self,
        key_hash: &str,
        seen_at: Timestamp,
        idle_expires_at: Timestamp,
    ) -> Result<(), AccessStoreError> {
        let update = session::Entity::update_many()
            .col_expr(session::Column::SeenAt, seen_at.0.into())
            .col_expr(session::Column::IdleExpiresAt, idle_expires_at.0.into())
            .filter(session::Column::KeyHash.eq(key_hash));
        update.exec(&self.db.writer).await.map(|_| ()).map_err(failed("noting that a session is in use"))
    }

    async fn delete_session(&self, key_hash: &str) -> Result<(), AccessStoreError> {
        let delete = session::Entity::delete_by_id(key_hash).exec(&self.db.writer).await;
        delete.map(|_| ()).map_err(failed("ending a session"))
    }

    async fn delete_sessions_of(&self, user: UserId, keep: Option<&str>) -> Result<u64, AccessStoreError> {
        delete_sessions(&self.db.writer, user, keep).await.map_err(failed("ending a person's sessions"))
    }

    async fn sessions_of(&self, user: UserId, now: Timestamp) -> Result<Vec<SessionRecord>, AccessStoreError> {
        let rows = session::Entity::find()
            .filter(session::Column::UserId.eq(user.0))
            .filter(session::Column::IdleExpiresAt.gt(now.0))
            .filter(session::Column::ExpiresAt.gt(now.0))
            .order_by_desc(session::Column::SeenAt)
            .limit(SESSIONS_PER_USER_MAX as u64)
            .all(&self.db.reader)
            .await
            .map_err(failed("listing sessions"))?;
        Ok(rows.into_iter().map(session_record).collect())
    }

    async fn purge_sessions(&self, now: Timestamp) -> Result<u64, AccessStoreError> {
        let expired = session::Column::IdleExpiresAt.lte(now.0).or(session::Column::ExpiresAt.lte(now.0));
        let done = session::Entity::delete_many().filter(expired).exec(&self.db.writer).await;
        Ok(done.map_err(failed("deleting expired sessions"))?.rows_affected)
    }

    async fn create_token(&self, new: NewToken) -> Result<Token, AccessStoreError> {
        let attempt = "keeping a token";
        let row = token::ActiveModel {
            id: NotSet,
            user_id: Set(new.user_id.0),
            label: Set(new.label),
            scope: Set(new.scope.as_str().to_owned()),
            token_hash: Set(new.token_hash),
            created_at: Set(new.at.0),
            used_at: Set(None),
            revoked_at: Set(None),
        };
        let row = row.insert(&self.db.writer).await.map_err(failed(attempt))?;
        token_of(row).map_err(failed(attempt))
    }

    async fn token_by_hash(&self, token_hash: &str) -> Result<Option<(Token, User)>, AccessStoreError> {
        let attempt = "looking up a token";
        let found = token::Entity::find()
            .filter(token::Column::TokenHash.eq(token_hash))
            .filter(token::Column::RevokedAt.is_null())
            .find_also_related(user::Entity)
            .all(&self.db.reader)
            .await
            .map_err(failed(attempt))?
            .pop();
        let Some((row, Some(owner))) = found else { return Ok(None) };
        let owner = user_record(owner).map_err(failed(attempt))?.user;
        Ok(Some((token_of(row).map_err(failed(attempt))?, owner)))
    }

    async fn tokens(&self, user: Option<UserId>) -> Result<Vec<(Token, User)>, AccessStoreError> {
        let attempt = "listing tokens";
        let mut query = token::Entity::find();
        if let Some(user) = user {
            query = query.filter(token::Column::UserId.eq(user.0));
        }
        let query = query.order_by_desc(token::Column::Id).limit(TOKENS_LISTED_MAX).find_also_related(user::Entity);
        let rows = query.all(&self.db.reader).await.map_err(failed(attempt))?;
        rows.into_iter()
            .filter_map(|(row, owner)| Some((row, owner?)))
            .map(|(row, owner)| Ok((token_of(row)?, user_record(owner)?.user)))
            .collect::<Result<_, DbErr>>()
            .map_err(failed(attempt))
    }

    async fn touch_token(&self, id: TokenId, at: Timestamp) -> Result<(), AccessStoreError> {
        let update = token::Entity::update_many()
            .col_expr(token::Column::UsedAt, at.0.into())
            .filter(token::Column::Id.eq(id.0));
        update.exec(&self.db.writer).await.map(|_| ()).map_err(failed("noting that a token is in use"))
    }

    async fn revoke_token(&self, id: TokenId, at: Timestamp) -> Result<bool, AccessStoreError> {
        let update = token::Entity::update_many()
            .col_expr(token::Column::RevokedAt, at.0.into())
            .filter(token::Column::Id.eq(id.0))
            .filter(token::Column::RevokedAt.is_null());
        let done = update.exec(&self.db.writer).await.map_err(failed("revoking a token"))?;
        Ok(done.rows_affected > 0)
    }
}

/// Closes the first-start page; `false` when it was closed before.
async fn close_setup(tx: &impl ConnectionTrait, at: Timestamp) -> Result<bool, DbErr> {
    let update = setup_state::Entity::update_many()
        .col_expr(setup_state::Column::ClosedAt, at.0.into())
        .col_expr(setup_state::Column::TokenHash, Option::<String>::None.into())
        .filter(setup_state::Column::Id.eq(SETUP_ROW))
        .filter(setup_state::Column::ClosedAt.is_null());
    Ok(update.exec(tx).await?.rows_affected > 0)
}

async fn insert_user(tx: &impl ConnectionTrait, new: NewUser) -> Result<User, AccessStoreError> {
    let row = user::ActiveModel {
        id: NotSet,
        username: Set(new.username.as_str().to_owned()),
        username_key: Set(new.username.key()),
        role: Set(new.role.as_str().to_owned()),
        password_hash: Set(new.password_hash),
        created_at: Set(new.at.0),
        password_changed_at: Set(new.at.0),
    };
    match row.insert(tx).await {
        Ok(row) => Ok(user_record(row).map_err(failed("creating a user"))?.user),
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
            Err(AccessStoreError::NameTaken)
        }
        Err(error) => Err(failed("creating a user")(error)),
    }
}

async fn delete_sessions(db: &impl ConnectionTrait, user: UserId, keep: Option<&str>) -> Result<u64, DbErr> {
    let mut delete = session::Entity::delete_many().filter(session::Column::UserId.eq(user.0));
    if let Some(keep) = keep {
        delete = delete.filter(session::Column::KeyHash.ne(keep));
    }
    Ok(delete.exec(db).await?.rows_affected)
}

fn user_record(row: user::Model) -> Result<UserRecord, DbErr> {
    let role = Role::parse(&row.role).ok_or_else(|| DbErr::Type("users.role".to_owned()))?;
    let username = Username::parse(&row.username).map_err(|_| DbErr::Type("users.username".to_owned()))?;
    let user = User { id: UserId(row.id), username, role, created_at: Timestamp(row.created_at) };
    Ok(UserRecord { user, password_hash: row.password_hash })
}

fn token_of(row: token::Model) -> Result<Token, DbErr> {
    let scope = TokenScope::parse(&row.scope).ok_or_else(|| DbErr::Type("tokens.scope".to_owned()))?;
    Ok(Token {
        id: TokenId(row.id),
        user_id: UserId(row.user_id),
        label: row.label,
        scope,
        created_at: Timestamp(row.created_at),
        used_at: row.used_at.map(Timestamp),
        revoked_at: row.revoked_at.map(Timestamp),
    })
}

fn session_record(row: session::Model) -> SessionRecord {
    SessionRecord {
        key_hash: row.key_hash,
        user_id: UserId(row.user_id),
        state: row.state,
        agent: row.agent,
        address: row.address,
        created_at: Timestamp(row.created_at),
        seen_at: Timestamp(row.seen_at),
        idle_expires_at: Timestamp(row.idle_expires_at),
        expires_at: Timestamp(row.expires_at),
    }
}

fn failed(attempt: &'static str) -> impl Fn(DbErr) -> AccessStoreError {
    move |source| AccessStoreError::Database { attempt, source: Box::new(source) }
}
