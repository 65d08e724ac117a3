extension SampleAccount {
    /// Each with one contact who watches their own cases in the portal.
    static let portalCustomers: [SampleAccount] = [
        SampleAccount(
            name: "Lindgren Household", type: "Customer - Direct", industry: "Other", street: "Fjällgatan 23",
            city: "Stockholm",
            postalCode: "116 45", country: "Sweden", phone: "+46 8 555 0123",
            contacts: [
                SampleContact(
                    salutation: "Ms.", firstName: "Astrid", lastName: "Lindgren-Holm", title: nil,
                    email: "astrid.holm@posteo.example", phone: "+46 70 555 0123", isPortalCustomer: true,
                    cases: [
                        SampleCase(
                            "Wallbox stops charging at 80 %", "Limit is set to 100 % in the car and in the app.",
                            "Charging",
                            "Volta S", "Working", "Medium", hoursAgo: 28),
                        SampleCase(
                            "Range display jumps after update 4.2", "From 310 km to 260 km within one street.",
                            "Software",
                            "Volta S", "New", "Medium", hoursAgo: 7),
                        SampleCase(
                            "Charging port flap frozen", "At -14 °C. The heater of the flap seems not to run.",
                            "Equipment Design", "Volta S", "Escalated", "High", from: "Phone", hoursAgo: 50),
                        SampleCase(
                            "Second key card", "Please send one more card for my partner.", "Other", "Volta S",
                            "Closed", "Low",
                            hoursAgo: 410),
                        SampleCase(
                            "Preheating starts an hour late", "Since the change to winter time.", "Software", "Volta S",
                            "New",
                            "Low", hoursAgo: 15),
                        SampleCase(
                            "Noise from the heat pump", "A hum at standstill, two minutes after parking.",
                            "Performance",
                            "Volta S", "On Hold", "Low", from: "Email", hoursAgo: 190),
                    ])
            ]),
        SampleAccount(
            name: "Moreau & Fils", type: "Customer - Direct", industry: "Construction", street: "Rue des Forges 9",
            city: "Dijon", postalCode: "21000", country: "France", phone: "+33 3 80 55 01 45",
            website: "https://moreau-fils.example", employees: 14, revenue: 2_100_000,
            contacts: [
                SampleContact(
                    salutation: "Mr.", firstName: "Benoît", lastName: "Moreau", title: "Gérant",
                    email: "benoit@moreau-fils.example", phone: "+33 6 55 01 45 00", isPortalCustomer: true,
                    cases: [
                        SampleCase(
                            "Delivery date of the second van", "Ordered in March, promised for October.", "Delivery",
                            "Ampere Van", "Working", "High", from: "Phone", hoursAgo: 70),
                        SampleCase(
                            "Ladder rack: permitted roof load?", "The manual gives two different values.", "Other",
                            "Ampere Van", "Closed", "Low", from: "Email", hoursAgo: 300),
                        SampleCase(
                            "Fast charging only at 38 kW", "At three different stations, battery at 30 % and warm.",
                            "Charging",
                            "Ampere Van", "Escalated", "High", hoursAgo: 18),
                        SampleCase(
                            "Socket in the cargo bay has no current", "The 230 V socket; the fuse is good.",
                            "Equipment Design",
                            "Ampere Van", "New", "Medium", hoursAgo: 5),
                        SampleCase(
                            "Invoice shows the old company address", "Please correct invoice 2026-1187.", "Other",
                            "Ampere Van",
                            "Working", "Low", hoursAgo: 96),
                    ])
            ]),
        SampleAccount(
            name: "Castillo Family", type: "Customer - Direct", industry: "Other", street: "Marina Blvd 480",
            city: "San Francisco", postalCode: "94123", country: "United States", phone: "+1 415 555 0148",
            contacts: [
                SampleContact(
                    salutation: "Mrs.", firstName: "Ximena", lastName: "Castillo", title: nil,
                    email: "ximena.castillo@mail.example", phone: "+1 415 555 0149", isPortalCustomer: true,
                    cases: [
                        SampleCase(
                            "Software update stuck at 43 %", "Three nights in a row, Wi-Fi signal is strong.",
                            "Software",
                            "Ohm Roadster", "Working", "High", hoursAgo: 22),
                        SampleCase(
                            "Battery lost 12 % while parked", "Ten days at the airport, sentry mode was off.",
                            "Battery",
                            "Ohm Roadster", "New", "High", hoursAgo: 4),
                        SampleCase(
                            "Soft top rattles above 60 mph", "Left side, worse in the cold.", "Equipment Design",
                            "Ohm Roadster", "On Hold", "Medium", from: "Phone", hoursAgo: 160),
                        SampleCase(
                            "App shows another car", "After the family account was set up I see a Volta X in Ohio.",
                            "Software", "Ohm Roadster", "Escalated", "High", hoursAgo: 11),
                        SampleCase(
                            "Charging history is missing October", "I need it for my tax return.", "Charging",
                            "Ohm Roadster", "New", "Low", from: "Email", hoursAgo: 33),
                        SampleCase(
                            "Thank you for the quick wheel repair", "Just wanted to say so.", "Feedback",
                            "Ohm Roadster",
                            "Closed", "Low", from: "Email", hoursAgo: 520),
                        SampleCase(
                            "Regenerative braking is weaker", "Since the tyre change; no message on the display.",
                            "Performance", "Ohm Roadster", "Working", "Medium", hoursAgo: 44),
                        SampleCase(
                            "Charge cable locked in", "The station had to be reset before it let go.", "Charging",
                            "Ohm Roadster", "Closed", "High", from: "Phone", hoursAgo: 260),
                    ])
            ]),
    ]
}
