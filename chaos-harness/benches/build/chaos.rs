//! The same as an experiment.

use chaos_harness::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[system(redis = container("redis:7", port = 6379))]
async fn shop(redis: Service) -> Result<String> {
    Ok(redis.addr().to_string())
}

#[chaos_test(
    system = shop,
    hypothesis = "redis answers while it is slow",
    load(rate = 200/s, warmup = 1s, baseline = 5s, turbulence = 10s),
    steady_state(p99 < 50ms, error_rate < 1%),
    inject(latency(redis, 200ms)),
    expect(p99 < 500ms, error_rate < 1%),
    stages(50%, 100%),
)]
async fn redis_answers(address: &String) -> Result<()> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await?;
    assert_eq!(&answer, b"+PONG\r\n", "EDITED");
    Ok(())
}

chaos_harness::main!();
