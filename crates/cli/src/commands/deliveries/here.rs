//! The list of deliveries, read from what is here.

use cameo::{
    model::key::{DeliveryKey, Vertical},
    proof::{
        deliveries::{self, Standing},
        verify::verticals_known,
    },
    server::deployment::Deployment,
};

use super::{Args, Context, DAYS_MAX, Line, VERTICALS_MAX};

/// The recorded ones, newest first, and then the days.
pub(super) async fn lines(context: &Context, places: &Deployment, args: &Args) -> anyhow::Result<Vec<Line>> {
    let bucket = &places.settings.upload_bucket;
    let (vertical, limit) = (args.vertical.as_ref(), usize::from(args.limit));
    let listed = deliveries::list::list(&*places.store, bucket, vertical, None, limit).await?;
    let mut found = Vec::with_capacity(listed.len());
    for one in listed {
        let key = DeliveryKey { vertical: one.vertical.clone(), id: one.delivery.clone() };
        let Some(record) = deliveries::list::read(&*places.store, bucket, &key).await? else { continue };
        let summary = Standing::of_record(places.deliveries(), &record).await?.summary();
        found.push(Line { created: Some(one.created), by: Some(one.by), summary });
    }
    found.extend(days_here(context, places, vertical).await?);
    Ok(found)
}

async fn days_here(context: &Context, places: &Deployment, vertical: Option<&Vertical>) -> anyhow::Result<Vec<Line>> {
    let zone = context.config.register.time_zone()?;
    let verticals: Vec<Vertical> = match vertical {
        Some(vertical) => vec![vertical.clone()],
        None => verticals_known(places.to_verify()).await?.into_iter().take(VERTICALS_MAX).collect(),
    };
    let mut found = Vec::new();
    for vertical in verticals {
        for day in deliveries::day::days(&*places.catalog, &vertical, None, DAYS_MAX, &zone).await? {
            let standing = deliveries::standing(places.deliveries(), &day, &zone).await?;
            found.extend(standing.map(|standing| Line { created: None, by: None, summary: standing.summary() }));
        }
    }
    Ok(found)
}
