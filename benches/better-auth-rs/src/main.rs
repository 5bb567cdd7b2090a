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
use better_auth::adapters::SqlxAdapter;
use better_auth::handlers::{AxumIntegration, CurrentSession};
use better_auth::plugins::{EmailPasswordPlugin, SessionManagementPlugin};
use better_auth::{AuthBuilder, AuthConfig, AuthUser, RateLimitConfig};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let pool = PgPoolOptions::new()
        .min_connections(4) // as many as the load has; at most 10, the default
        .test_before_acquire(false)
        .connect_with(PgConnectOptions::new())
        .await?;
    let auth = Arc::new(
        AuthBuilder::new(AuthConfig::new(env::var("BENCH_COOKIE_SECRET")?).base_url(&url))
            .database(SqlxAdapter::from_pool(pool))
            .rate_limit(RateLimitConfig::new().enabled(false))
            .plugin(EmailPasswordPlugin::new().enable_signup(true))
            .plugin(SessionManagementPlugin::new())
            .build()
            .await?,
    );
    let key = EncodingKey::from_secret(env::var("BENCH_JWT_SECRET")?.as_bytes());
    let bridge = |session: CurrentSession<SqlxAdapter>| async move {
        ([(CACHE_CONTROL, "no-store")], Json(json!({ "token": token(session.user.id(), &key) })))
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
