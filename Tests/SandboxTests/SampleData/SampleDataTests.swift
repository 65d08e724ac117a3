import ChangeEvents
import Testing

@testable import Sandbox

struct SampleDataTests {
    @Test func electricMotorsIsLoadedOnceAndPublished() async throws {
        var org = try await TestOrg.open { $0.loadsSampleData = true }
        let accounts = try await org.sandbox.snapshot(entity: "Account")
        let contacts = try await org.sandbox.snapshot(entity: "Contact")
        let cases = try await org.sandbox.snapshot(entity: "Case")
        #expect(accounts.count == 12)
        #expect(contacts.count >= 12)
        #expect((35...45).contains(cases.count))
        let customers = try await org.sandbox.demoCustomers()
        #expect(customers.count == 3)
        for customer in customers {
            let own = cases.filter { $0.fields["ContactId"] == .string(customer.contactID) }
            #expect((5...8).contains(own.count))
            let contact = try #require(contacts.first { $0.id.string == customer.contactID })
            let account = try #require(accounts.first { .string($0.id.string) == contact.fields["AccountId"] })
            #expect(account.fields["Name"] == .string(customer.accountName))
            #expect(own.allSatisfy { $0.fields["AccountId"] == .string(account.id.string) })
        }
        let events = try await org.events()
        #expect(events.allSatisfy { $0.header.changeType == .create })
        #expect(events.count == accounts.count + contacts.count + cases.count)

        org = try await org.reopened { $0.loadsSampleData = true }
        #expect(try await org.sandbox.snapshot(entity: "Case").count == cases.count)
        #expect(try await org.sandbox.demoCustomers() == customers)
    }

    @Test func sampleDataCanStayUnpublished() async throws {
        let org = try await TestOrg.open {
            $0.loadsSampleData = true
            $0.publishesSampleData = false
        }
        #expect(try await org.received().isEmpty)
        #expect(try await org.sandbox.snapshot(entity: "Account").count == 12)
    }

    @Test func interruptedLoadingGoesOn() async throws {
        let org = try await TestOrg.open()
        try await org.sandbox.transaction { transaction in
            var progress = SampleProgress()
            progress.accountsLoaded = SampleAccount.electricMotors.count - 2
            try progress.write(transaction.writer)
        }
        let again = try await org.reopened { $0.loadsSampleData = true }
        #expect(try await again.sandbox.snapshot(entity: "Account").count == 2)
    }
}
