//! better-auth-rs with axum as its documentation sets it up, on the database that the PG* variables name,
//! and the InsForge scaffold's bridge route. Prints its URL. What would hamper it is off: rate limits,
//! logs, a ping before each query.

use std::env;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::header::CACHE_CONTROL;
use axum::routing::get;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use better_auth::integrations::axum::{AxumIntegration, CurrentSession};
use better_auth::middleware::RateLimitConfig;
use better_auth::plugins::{EmailPasswordPlugin, SessionManagementPlugin};
use better_auth::seaorm::sea_orm::ConnectOptions;
use better_auth::seaorm::{Database, SeaOrmStore};
use better_auth::{AuthConfig, BetterAuth};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;
use tokio::net::TcpListener;

#[allow(dead_code, reason = "setup.sql makes the tables")]
mod auth_schema;
use auth_schema::AppAuthSchema;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let variable = |name: &str| env::var(name);
    let mut options = ConnectOptions::new(format!(
        "postgres://{}@{}:{}/{}",
        variable("PGUSER")?,
        variable("PGHOST")?,
        variable("PGPORT")?,
        variable("PGDATABASE")?,
    ));
    options
        .min_connections(4) // as many as the load has
        .max_connections(10)
        .test_before_acquire(false)
        .sqlx_logging(false);
    let config = AuthConfig::new(variable("BENCH_COOKIE_SECRET")?).base_url(url.as_str());
    let store = SeaOrmStore::<AppAuthSchema>::new(config.clone(), Database::connect(options).await?);
    let auth = Arc::new(
        BetterAuth::<AppAuthSchema>::new(config)
            .store(store)
            .rate_limit(RateLimitConfig::new().enabled(false))
            .plugin(EmailPasswordPlugin::new().enable_signup(true))
            .plugin(SessionManagementPlugin::new())
            .build()
            .await?,
    );
    let key = EncodingKey::from_secret(env::var("BENCH_JWT_SECRET")?.as_bytes());
    let bridge = |session: CurrentSession<AppAuthSchema>| async move {
        ([(CACHE_CONTROL, "no-store")], Json(json!({ "token": token(session.user.id.as_str().unwrap_or_default(), &key) })))
    };
    let routes = Router::new()
        .route("/api/insforge-token", get(bridge))
        .nest("/api/auth", auth.clone().axum_router())
        .with_state(auth);
    println!("{url}");
    axum::serve(listener.tap_io(|stream| _ = stream.set_nodelay(true)), routes).await?;
    Ok(())
}

/// The scaffold's bridge token.
fn token(user: &str, key: &EncodingKey) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
    let claims = json!({
        "sub": user, "role": "authenticated", "aud": "insforge-api",
        "iat": now.as_secs(), "exp": (now + Duration::from_hours(1)).as_secs(),
    });
    jsonwebtoken::encode(&Header::default(), &claims, key).expect("claims that can be signed")
}
