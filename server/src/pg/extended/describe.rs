//! What statements and portals look like, before a row is sent: parameters and columns.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, SchemaRef};
use lookback_query::Statement;
use lookback_query::session::{Described, Parameter};
use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::data::{NoData, ParameterDescription};

use super::{Prepared, State};
use crate::pg::command::Command;
use crate::pg::connection::{Connection, Question, Reply, Stop};
use crate::pg::failure::Failure;
use crate::pg::{catalog, decode, encode};

impl Connection {
    /// The types of a statement's parameters, those that the client has left open found out.
    pub(super) async fn types(&self, statement: &Statement, types: &[u32]) -> Result<Vec<u32>, Failure> {
        with_found(types.to_vec(), &self.described(statement, types).await?.parameters)
    }

    async fn described(&self, statement: &Statement, types: &[u32]) -> Result<Described, Failure> {
        self.shared.desk.allowed(&self.asker, statement)?;
        let known: Vec<Option<DataType>> = types.iter().map(|oid| decode::arrow_type(*oid)).collect();
        tokio::select! {
            biased;
            () = self.token.cancelled() => Err(Failure::canceled()),
            described = self.session.describe(statement, &known) => Ok(described?),
        }
    }

    pub(super) async fn describe_statement(&mut self, name: &str) -> Result<(), Stop> {
        let Prepared { parsed, mut types, .. } = self.prepared(name)?.clone();
        let mut schema: Option<SchemaRef> = None;
        match &parsed {
            Some((_, Question::Lake(statement))) => {
                let described = self.described(statement, &types).await?;
                types = with_found(types, &described.parameters)?;
                schema = statement.gives_rows()?.then_some(described.schema);
            }
            Some((piece, Question::Catalog)) => {
                let wanted = catalog::parameters(piece);
                types.resize(types.len().max(wanted), 0);
                for oid in types.iter_mut().filter(|oid| **oid == 0) {
                    *oid = pgwire::api::Type::TEXT.oid();
                }
                let nothing = vec![Parameter::Null; wanted];
                let text = catalog::with_values(piece, &nothing);
                let context =
                    catalog::Context { user: &self.asker.user, pid: self.pid(), parameters: self.parameters() };
                schema = Some(self.shared.catalog.describe(&self.session, &text, &context).await?);
            }
            Some((_, Question::Command(command))) => schema = self.schema_of(command).await?,
            None => {}
        }
        self.writer.put(&Out::ParameterDescription(ParameterDescription::new(types.clone())))?;
        if let Some(prepared) = self.extended.statements.get_mut(name) {
            prepared.types = types;
        }
        self.columns_or_none(schema, &[])
    }

    /// The columns of a command that has some.
    async fn schema_of(&mut self, command: &Command) -> Result<Option<SchemaRef>, Stop> {
        match command {
            // Neither changes anything, and FETCH takes no row before it is read.
            Command::Show(_) | Command::ShowAll | Command::Fetch { moves: false, .. } => {
                match self.start_command(command.clone()).await? {
                    Reply::Rows(answer) => Ok(Some(answer.schema())),
                    _ => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    fn columns_or_none(&mut self, schema: Option<SchemaRef>, formats: &[i16]) -> Result<(), Stop> {
        match schema {
            Some(schema) => {
                let columns = encode::columns(&schema, formats)?;
                encode::description(&columns, self.writer.buffer());
                Ok(())
            }
            None => Ok(self.writer.put(&Out::NoData(NoData::new()))?),
        }
    }

    pub(super) async fn describe_portal(&mut self, name: &str) -> Result<(), Stop> {
        // A cursor is a portal as well; libpq's drivers describe those that they have declared.
        if let Some(cursor) = self.cursors.get(name).filter(|_| !self.extended.portals.contains_key(name)) {
            let cursor = Arc::clone(&cursor.answer);
            let schema = cursor.lock().await.schema();
            return self.columns_or_none(Some(schema), &[]);
        }
        let mut portal = self.taken(name)?;
        let starts = match &portal.parsed {
            Some((_, Question::Lake(statement))) => statement.gives_rows()?,
            Some((_, Question::Catalog)) => true,
            Some((_, Question::Command(command))) => {
                matches!(command, Command::Show(_) | Command::ShowAll | Command::Fetch { moves: false, .. })
            }
            None => false,
        };
        if starts && matches!(portal.state, State::Fresh) {
            self.begin(&mut portal).await?;
        }
        if let State::Rows { columns, .. } = &portal.state {
            encode::description(columns, self.writer.buffer());
        } else {
            self.writer.put(&Out::NoData(NoData::new()))?;
        }
        self.extended.portals.insert(name.to_owned(), portal);
        Ok(())
    }
}

/// The types that are open filled in with those that were found.
fn with_found(mut types: Vec<u32>, found: &[DataType]) -> Result<Vec<u32>, Failure> {
    types.resize(types.len().max(found.len()), 0);
    for (oid, kind) in types.iter_mut().zip(found).filter(|(oid, _)| **oid == 0) {
        *oid = encode::type_of(&Field::new("", kind.clone(), true).into())?.oid();
    }
    Ok(types)
}
