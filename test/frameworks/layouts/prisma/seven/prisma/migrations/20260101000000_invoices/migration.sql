CREATE TABLE "invoices" ("id" INTEGER NOT NULL, CONSTRAINT "invoices_pkey" PRIMARY KEY ("id"));
