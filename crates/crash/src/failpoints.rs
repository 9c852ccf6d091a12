//! Each step of the flow as the place of death: the server ends itself there, several times, under load.

use std::time::Duration;

use anyhow::Result;
use cameo::failpoint::Point;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::time::timeout;

use crate::{
    run::{Options, Run, RunReport},
    server::Launcher,
};

/// How long a server may live until it comes to the point. Sweeping, for one, is only done at a start.
const REACH_TIMEOUT: Duration = Duration::from_secs(20);
/// Tries per death that is asked for, at most: a start may have nothing to remove, for one.
const TRIES: u64 = 6;

/// How often the server died at a point.
#[derive(Debug)]
pub struct Deaths {
    /// The point.
    pub point: Point,
    /// How often.
    pub times: u64,
}

/// Lets the server die at each point `times` times; everything is checked after each point.
pub async fn die_everywhere(
    launcher: Launcher,
    options: &Options,
    points: &[Point],
    times: u64,
) -> Result<(RunReport, Vec<Deaths>)> {
    let mut run = Run::new(launcher, options.seed)?;
    let mut rng = StdRng::seed_from_u64(options.seed);
    let load = run.load(options.clients);
    let mut deaths = Vec::new();
    for &point in points {
        let died = die_at(&run, &mut rng, point, times).await?;
        eprintln!("{}: died {died} times", point.name());
        deaths.push(Deaths { point, times: died });
        let (mut server, _) = run.start(&[]).await?;
        run.check(None).await?;
        server.kill().await?;
        run.look_at_the_dead().await?;
    }
    load.end().await;
    let kills = deaths.iter().map(|deaths| deaths.times).sum();
    Ok((run.finish(kills).await?, deaths))
}

async fn die_at(run: &Run, rng: &mut StdRng, point: Point, times: u64) -> Result<u64> {
    let mut died = 0;
    for _ in 0..times * TRIES {
        if died == times {
            break;
        }
        // What a start does, it does once.
        let count = if is_of_a_start(point) { 1 } else { rng.random_range(1..=4) };
        let (mut server, _) = run.start(&[("CAMEO_FAILPOINT", format!("{}={count}", point.name()))]).await?;
        let ended = timeout(REACH_TIMEOUT, server.ended()).await;
        died += u64::from(ended.is_ok());
        // What did not come to its point is killed where it is.
        server.kill().await?;
        run.look_at_the_dead().await?;
    }
    Ok(died)
}

fn is_of_a_start(point: Point) -> bool {
    matches!(point, Point::TempEmptied | Point::UnknownRemoved | Point::SweepChosen | Point::SweepRemoved)
}
