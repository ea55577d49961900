//! `floor CONNECTION TABLE...`: reads every row of the tables over the extended query protocol, in binary, and throws them
//! away. Prints how many rows there were.

use std::error::Error;
use std::pin::pin;

use futures_util::TryStreamExt as _;
use tokio_postgres::NoTls;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let connection = args.next().ok_or("usage: floor CONNECTION TABLE...")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let rows = runtime.block_on(read(&connection, args))?;
    println!("{rows}");
    Ok(())
}

async fn read(config: &str, tables: impl Iterator<Item = String>) -> Result<u64, Box<dyn Error>> {
    let (client, connection) = tokio_postgres::connect(config, NoTls).await?;
    // A connection that breaks shows as an error of the query.
    tokio::spawn(connection);
    let mut count = 0;
    for table in tables {
        let no_parameters: [&str; 0] = [];
        let rows = client.query_raw(&format!("SELECT * FROM {table}"), no_parameters).await?;
        let mut rows = pin!(rows);
        while rows.try_next().await?.is_some() {
            count += 1;
        }
    }
    Ok(count)
}
