//! Shapes that several features have on the wire, for the description of the API: the types they describe live where no
//! library for descriptions is known.
//!
//! Refusals are responses: a route lists those it gives, so that the description tells the statuses really answered.

use utoipa::{IntoParams, IntoResponses, ToSchema};

/// An account, as [`halle_base::AccountRef`] has it on the wire.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Account {
    /// `user` or `organization`.
    #[schema(rename = "type")]
    pub kind: String,
    /// Identifier within its kind.
    pub id: String,
    /// Display name at the time of writing.
    #[schema(required = false)]
    pub name: String,
    /// Department of an organisation; absent for its root.
    pub department: Option<String>,
    /// Display name of the department.
    pub department_name: Option<String>,
}

/// A grant, as [`halle_model::permission::PermissionEntry`] has it on the wire. Without `type` and `id` it is for
/// everybody.
#[derive(Debug, ToSchema)]
pub struct Permission {
    /// `user` or `organization`; absent for everybody.
    #[schema(rename = "type")]
    pub kind: Option<String>,
    /// Account; `*` with `user` means anyone signed in.
    pub id: Option<String>,
    /// Person, by e-mail address.
    pub email: Option<String>,
    /// Display name.
    pub name: Option<String>,
    /// Department: `-` the root only, `*` or absent any.
    pub department: Option<String>,
    /// Roles; any when empty.
    #[schema(required = false)]
    pub roles: Vec<String>,
    /// Operations granted one by one, by their `operationId`.
    #[schema(required = false)]
    pub operations: Vec<String>,
    /// Classes granted whole: `list`, `read`, `readAdvanced`, `write`, `admin`, `exec`.
    #[schema(required = false)]
    pub classes: Vec<String>,
}

/// A remark of a plugin about a configuration that it accepted, as [`halle_extensions::Problem`] is on the wire.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct PluginNote {
    /// Stable code.
    pub code: String,
    /// Text for a person.
    pub message: String,
    /// Field of the configuration it is about, as a JSON pointer.
    pub field: Option<String>,
}

/// A rule of a schedule, as [`halle_model::schedule::Rule`] has it on the wire.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ScheduleRule {
    /// `monthly`, `weekly`, `daily`, `hourly`, or `cron`.
    #[schema(rename = "type")]
    pub kind: String,
    /// Minute.
    #[schema(maximum = 59)]
    pub minute: Option<u8>,
    /// Hour.
    #[schema(maximum = 23)]
    pub hour: Option<u8>,
    /// For `hourly`: every so many hours.
    pub hour_step: Option<u8>,
    /// For `weekly`: day of the week, 0 is Sunday.
    pub day_of_week: Option<String>,
    /// For `monthly`: day of the month.
    #[schema(minimum = 1, maximum = 28)]
    pub day_of_month: Option<u8>,
    /// For `monthly`: the last day of the month.
    #[schema(required = false)]
    pub last_day_of_month: bool,
    /// For `cron`: minute, hour, day of month, month, day of week.
    pub cron: Option<String>,
    /// IANA zone; Europe/Paris when absent.
    pub time_zone: Option<String>,
}

/// The parameters of a page, as [`crate::paging::Paging`] reads them.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Results of the page; 0 counts only.
    pub size: Option<u32>,
    /// Page, from 1.
    pub page: Option<u32>,
    /// Results to skip, in place of `page`.
    pub skip: Option<u32>,
}

/// A parameter is wrong; the text names it.
#[derive(Debug, IntoResponses)]
#[response(status = 400, content_type = "text/plain")]
pub struct WrongParameter(pub String);

/// Refusals of a JSON body.
#[derive(Debug, IntoResponses)]
pub enum WrongBody {
    /// The body, a field or a parameter is wrong; the text names it.
    #[response(status = 400, content_type = "text/plain")]
    Field(String),
    /// The body is too large.
    #[response(status = 413, content_type = "text/plain")]
    TooLarge(String),
    /// The body is no JSON by its media type.
    #[response(status = 415, content_type = "text/plain")]
    MediaType(String),
}

/// Nobody is signed in.
#[derive(Debug, IntoResponses)]
#[response(status = 401, content_type = "text/plain")]
pub struct NotSignedIn(pub String);

/// A permission is missing; the text names it.
#[derive(Debug, IntoResponses)]
#[response(status = 403, content_type = "text/plain")]
pub struct Forbidden(pub String);

/// Refusals of a route about one thing.
#[derive(Debug, IntoResponses)]
pub enum OfOne {
    /// A permission is missing; the text names it.
    #[response(status = 403, content_type = "text/plain")]
    Forbidden(String),
    /// There is no such thing.
    #[response(status = 404, content_type = "text/plain")]
    NotFound(String),
}

/// The state of things forbids it, or the plugin is not to be had; the text says what to do.
#[derive(Debug, IntoResponses)]
#[response(status = 409, content_type = "text/plain")]
pub struct Conflict(pub String);

/// The account has used up its plugin seconds; the text says until when, and what to ask for.
#[derive(Debug, IntoResponses)]
#[response(status = 429, content_type = "text/plain")]
pub struct OverShare(pub String);

/// The plugin did not do it.
#[derive(Debug, IntoResponses)]
pub enum PluginFailed {
    /// The account has used up its plugin seconds; the text says until when, and what to ask for.
    #[response(status = 429, content_type = "text/plain")]
    OverShare(String),
    /// The plugin was stopped, or gave what cannot be used.
    #[response(status = 502, content_type = "text/plain")]
    Stopped(String),
}
