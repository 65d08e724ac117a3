/// One firm or family of the sample data, with its people and their cases: one transaction of the org.
struct SampleAccount: Sendable {
    var name: String
    var type: String
    var industry: String
    var street: String
    var city: String
    var postalCode: String
    var country: String
    var phone: String
    var website: String?
    var employees: Int?
    var revenue: Double?
    var contacts: [SampleContact]
}

struct SampleContact: Sendable {
    var salutation: String
    var firstName: String
    var lastName: String
    var title: String?
    var email: String
    var phone: String
    /// Uses the customer portal: one of the three of the demo.
    var isPortalCustomer = false
    var cases: [SampleCase] = []
}

struct SampleCase: Sendable {
    var subject: String
    var description: String
    var reason: String
    var status: String
    var priority: String
    var origin: String
    var model: String
    /// How many hours before the first start it was opened.
    var hoursAgo: Int

    init(
        _ subject: String, _ description: String, _ reason: String, _ model: String, _ status: String = "New",
        _ priority: String = "Medium", from origin: String = "Web", hoursAgo: Int
    ) {
        self.subject = subject
        self.description = description
        self.reason = reason
        self.status = status
        self.priority = priority
        self.origin = origin
        self.model = model
        self.hoursAgo = hoursAgo
    }
}
