/// A login: the token and what every call names beside it.
///
/// `description` leaves the token out, so that a session in a log line gives nothing away.
struct Session: Sendable, Hashable, CustomStringConvertible {
    let accessToken: String
    /// `https://mydomain.my.salesforce.com`, with its scheme.
    let instanceURL: String
    /// 15 or 18 characters, as the org gives it.
    let organizationID: String
    /// Which login of the token source it came from: tells a token that was just renewed from the one that was refused.
    let serial: Int

    var description: String { "session \(serial) of \(organizationID) at \(instanceURL)" }
}
