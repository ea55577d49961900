//! Watermarks in a DynamoDB table: for exporters on several machines, or on none of one's own.
//!
//! One item for each (cluster, table): key `cluster_id` (S, HASH) and `table_name` (S, RANGE), and of the watermark
//! `covered_from`, `covered_until` (microseconds UTC), `swept_once`, `swept_twice` (days since 1970-01-01); of the lease
//! `lease_holder` (S), `lease_fence`, `lease_expires_at` (microseconds UTC; N as all the others). The item of a lease that was
//! given back keeps its fence.
//!
//! - Every write is one conditional `UpdateItem`; every read is consistent.
//! - A condition that does not hold is an answer, not an error. The answer brings the item along, because the client sends a
//!   request again whose answer was lost, and the second one then meets the success of the first.

mod failure;
mod item;
mod update;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use lookback_storage::Aws;

use super::{Grant, Lease, Watermark, WatermarkStore};
use crate::error::{Error, ErrorKind, Result};
use failure::Place;
use item::{Item, Malformed, key};
use update::{Fence, Update};

/// A watermark store in a DynamoDB table.
#[derive(Clone)]
pub struct DynamoStore {
    client: Client,
    aws: Aws,
    place: Place,
    page: Option<i32>,
}

/// How a conditional write ended.
enum Written {
    /// The item as it is now.
    Done(Item),
    /// The condition did not hold; the item as it was, empty if there is none.
    Refused(Item),
}

impl DynamoStore {
    /// A store in a table that exists. Nothing is asked yet; whether the table can be used shows with the first call.
    #[must_use]
    pub fn new(aws: &Aws, table: &str) -> Self {
        let config = aws_sdk_dynamodb::config::Builder::from(aws.config()).interceptor(aws.counter()).build();
        let place = Place { table: table.to_owned(), region: aws.region().map(ToOwned::to_owned) };
        Self { client: Client::from_conf(config), aws: aws.clone(), place, page: None }
    }

    /// Lists at most so many items with one request; without this, as many as fit in DynamoDB's 1 MB.
    #[must_use]
    pub fn with_page_size(self, items: i32) -> Self {
        Self { page: Some(items), ..self }
    }

    async fn write(&self, cluster_id: &str, table: &str, update: Update) -> Result<Written> {
        let call = self
            .client
            .update_item()
            .table_name(&self.place.table)
            .set_key(Some(key(cluster_id, table)))
            .update_expression(update.expression)
            .condition_expression(update.condition)
            .set_expression_attribute_values(Some(update.values))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match self.run(async move { call.send().await }).await? {
            Ok(done) => Ok(Written::Done(done.attributes.unwrap_or_default())),
            Err(e) => match e.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Written::Refused(refused.item().cloned().unwrap_or_default()))
                }
                _ => Err(self.place.failed("UpdateItem", e)),
            },
        }
    }

    async fn run<T: Send + 'static>(&self, call: impl Future<Output = T> + Send + 'static) -> Result<T> {
        let abandoned = |e| Error::new(ErrorKind::Watermarks, self.place.to_string()).because(e);
        self.aws.run(call).await.map_err(abandoned)
    }

    /// For what is read from an item.
    fn malformed(&self, item: &str) -> impl Fn(Malformed) -> Error + use<> {
        let what = format!("{}: {item}", self.place);
        move |malformed| {
            Error::new(ErrorKind::Watermarks, what.clone()).because(malformed).advise(
                "something else has written it: delete the item; coverage is rebuilt from the lake's own log, nothing is lost or doubled",
            )
        }
    }
}

#[async_trait]
impl WatermarkStore for DynamoStore {
    async fn get(&self, cluster_id: &str, table: &str) -> Result<Option<Watermark>> {
        let call = self
            .client
            .get_item()
            .table_name(&self.place.table)
            .set_key(Some(key(cluster_id, table)))
            .consistent_read(true);
        let answer = self.run(async move { call.send().await }).await?;
        let item = answer.map_err(|e| self.place.failed("GetItem", e))?.item.unwrap_or_default();
        item::watermark(&item).map_err(self.malformed(&format!("the item of {cluster_id}/{table}")))
    }

    async fn advance(
        &self,
        cluster_id: &str,
        table: &str,
        expected: Option<&Watermark>,
        next: &Watermark,
        release: Option<&Lease>,
    ) -> Result<bool> {
        let malformed = self.malformed(&format!("the item of {cluster_id}/{table}"));
        let mut with_lease = release;
        loop {
            let item = match self.write(cluster_id, table, update::advance(expected, next, with_lease)).await? {
                Written::Done(_) => return Ok(true),
                Written::Refused(item) => item,
            };
            let stored = item::watermark(&item).map_err(&malformed)?;
            if stored == Some(*next) {
                // Written before, by a request whose answer was lost, or by somebody else.
                if let Some(lease) = release
                    && item::lease(&item).map_err(&malformed)?.is_some_and(|l| l.fence == lease.fence)
                {
                    self.release(cluster_id, table, lease).await?;
                }
                return Ok(true);
            }
            // Where the watermark would have fitted, it was the lease that has passed to somebody else.
            if with_lease.take().is_none() || stored.as_ref() != expected {
                return Ok(false);
            }
        }
    }

    async fn acquire(
        &self,
        cluster_id: &str,
        table: &str,
        holder: &str,
        now: i64,
        expires_at: i64,
    ) -> Result<Option<Grant>> {
        let malformed = self.malformed(&format!("the item of {cluster_id}/{table}"));
        for fence in [Fence::Clock, Fence::Count] {
            let written = self.write(cluster_id, table, update::grant(holder, now, expires_at, fence)).await?;
            let (Written::Done(item) | Written::Refused(item)) = &written;
            let lease = item::lease(item).map_err(&malformed)?;
            match lease {
                // Granted now, or by a request whose answer was lost.
                Some(lease) if lease.holder == holder && lease.expires_at == expires_at => {
                    let watermark = item::watermark(item).map_err(&malformed)?;
                    return Ok(Some(Grant { lease, watermark }));
                }
                Some(lease) if lease.holder != holder && lease.expires_at > now => return Ok(None),
                // It can be had, but its fence is not behind this machine's clock.
                _ => {}
            }
        }
        Ok(None)
    }

    async fn release(&self, cluster_id: &str, table: &str, lease: &Lease) -> Result<()> {
        self.write(cluster_id, table, update::release(lease)).await.map(|_| ())
    }

    async fn list(&self) -> Result<Vec<(String, String, Watermark)>> {
        let mut listed = Vec::new();
        let mut start: Option<Item> = None;
        loop {
            let call = self
                .client
                .scan()
                .table_name(&self.place.table)
                .consistent_read(true)
                .set_limit(self.page)
                .set_exclusive_start_key(start);
            let answer = self.run(async move { call.send().await }).await?;
            let page = answer.map_err(|e| self.place.failed("Scan", e))?;
            for item in page.items.unwrap_or_default() {
                let (cluster_id, table) = item::names(&item).map_err(self.malformed("an item"))?;
                let malformed = self.malformed(&format!("the item of {cluster_id}/{table}"));
                if let Some(watermark) = item::watermark(&item).map_err(malformed)? {
                    listed.push((cluster_id, table, watermark));
                }
            }
            start = page.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                break;
            }
        }
        listed.sort_unstable_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        Ok(listed)
    }
}
